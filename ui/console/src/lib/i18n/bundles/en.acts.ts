import act from '$messages/en/act.json';

export default act;

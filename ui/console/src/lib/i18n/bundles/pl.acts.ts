import act from '$messages/pl/act.json';

export default act;

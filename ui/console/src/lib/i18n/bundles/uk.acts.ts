import act from '$messages/uk/act.json';

export default act;

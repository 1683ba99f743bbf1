import act from '$messages/ru/act.json';

export default act;

import notify from '$messages/uk/notify.json';

export default notify;

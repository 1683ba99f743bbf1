import notify from '$messages/pl/notify.json';

export default notify;

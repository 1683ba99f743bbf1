import notify from '$messages/en/notify.json';

export default notify;

import notify from '$messages/ru/notify.json';

export default notify;

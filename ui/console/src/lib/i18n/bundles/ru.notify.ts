import notices from '$messages/ru/notices.json';
import notify from '$messages/ru/notify.json';

export default { ...notices, ...notify };

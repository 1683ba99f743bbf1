import notices from '$messages/pl/notices.json';
import notify from '$messages/pl/notify.json';

export default { ...notices, ...notify };

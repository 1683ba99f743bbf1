import notices from '$messages/en/notices.json';
import notify from '$messages/en/notify.json';

export default { ...notices, ...notify };

import notices from '$messages/uk/notices.json';
import notify from '$messages/uk/notify.json';

export default { ...notices, ...notify };

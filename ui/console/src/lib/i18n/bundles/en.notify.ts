import goods from '$messages/en/goods.json';
import notices from '$messages/en/notices.json';
import notify from '$messages/en/notify.json';

export default { ...goods, ...notices, ...notify };

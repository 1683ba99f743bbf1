import goods from '$messages/pl/goods.json';
import notices from '$messages/pl/notices.json';
import notify from '$messages/pl/notify.json';

export default { ...goods, ...notices, ...notify };

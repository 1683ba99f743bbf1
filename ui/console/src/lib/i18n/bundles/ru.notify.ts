import goods from '$messages/ru/goods.json';
import notices from '$messages/ru/notices.json';
import notify from '$messages/ru/notify.json';

export default { ...goods, ...notices, ...notify };

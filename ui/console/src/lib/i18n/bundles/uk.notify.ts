import goods from '$messages/uk/goods.json';
import notices from '$messages/uk/notices.json';
import notify from '$messages/uk/notify.json';

export default { ...goods, ...notices, ...notify };

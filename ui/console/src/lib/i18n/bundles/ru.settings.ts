import settings from '$messages/ru/settings.json';
import shop from '$messages/ru/shop.json';

export default { ...settings, ...shop };

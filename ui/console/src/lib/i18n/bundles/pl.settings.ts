import settings from '$messages/pl/settings.json';
import shop from '$messages/pl/shop.json';

export default { ...settings, ...shop };

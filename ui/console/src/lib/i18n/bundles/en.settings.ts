import settings from '$messages/en/settings.json';
import shop from '$messages/en/shop.json';

export default { ...settings, ...shop };

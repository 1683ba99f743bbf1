import settings from '$messages/uk/settings.json';
import shop from '$messages/uk/shop.json';

export default { ...settings, ...shop };

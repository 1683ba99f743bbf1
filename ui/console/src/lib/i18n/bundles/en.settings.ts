import commerce from '$messages/en/commerce.json';
import settings from '$messages/en/settings.json';
import shop from '$messages/en/shop.json';

export default { ...commerce, ...settings, ...shop };

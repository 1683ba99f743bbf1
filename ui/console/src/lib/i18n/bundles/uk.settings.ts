import commerce from '$messages/uk/commerce.json';
import settings from '$messages/uk/settings.json';
import shop from '$messages/uk/shop.json';

export default { ...commerce, ...settings, ...shop };

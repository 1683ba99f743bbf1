import channel from '$messages/en/channel.json';
import commerce from '$messages/en/commerce.json';
import settings from '$messages/en/settings.json';
import shop from '$messages/en/shop.json';

export default { ...channel, ...commerce, ...settings, ...shop };

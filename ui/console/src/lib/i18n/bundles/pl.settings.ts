import channel from '$messages/pl/channel.json';
import commerce from '$messages/pl/commerce.json';
import settings from '$messages/pl/settings.json';
import shop from '$messages/pl/shop.json';

export default { ...channel, ...commerce, ...settings, ...shop };

import channel from '$messages/ru/channel.json';
import commerce from '$messages/ru/commerce.json';
import settings from '$messages/ru/settings.json';
import shop from '$messages/ru/shop.json';

export default { ...channel, ...commerce, ...settings, ...shop };

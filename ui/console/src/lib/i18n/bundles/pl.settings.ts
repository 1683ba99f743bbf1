import channel from '$messages/pl/channel.json';
import commerce from '$messages/pl/commerce.json';
import notify from '$messages/pl/notify.json';
import settings from '$messages/pl/settings.json';
import shop from '$messages/pl/shop.json';

export default { ...channel, ...commerce, ...notify, ...settings, ...shop };

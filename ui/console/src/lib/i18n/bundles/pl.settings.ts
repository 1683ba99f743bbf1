import callcontrol from '$messages/pl/callcontrol.json';
import channel from '$messages/pl/channel.json';
import commerce from '$messages/pl/commerce.json';
import goods from '$messages/pl/goods.json';
import handset from '$messages/pl/handset.json';
import notices from '$messages/pl/notices.json';
import notify from '$messages/pl/notify.json';
import optouts from '$messages/pl/optouts.json';
import outgoing from '$messages/pl/outgoing.json';
import phonequeue from '$messages/pl/phonequeue.json';
import recordings from '$messages/pl/recordings.json';
import settings from '$messages/pl/settings.json';
import shop from '$messages/pl/shop.json';

export default {
  ...callcontrol,
  ...channel,
  ...commerce,
  ...goods,
  ...handset,
  ...notices,
  ...notify,
  ...optouts,
  ...outgoing,
  ...phonequeue,
  ...recordings,
  ...settings,
  ...shop,
};

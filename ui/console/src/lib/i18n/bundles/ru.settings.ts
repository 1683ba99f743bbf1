import callcontrol from '$messages/ru/callcontrol.json';
import channel from '$messages/ru/channel.json';
import commerce from '$messages/ru/commerce.json';
import goods from '$messages/ru/goods.json';
import handset from '$messages/ru/handset.json';
import notices from '$messages/ru/notices.json';
import notify from '$messages/ru/notify.json';
import optouts from '$messages/ru/optouts.json';
import outgoing from '$messages/ru/outgoing.json';
import phonequeue from '$messages/ru/phonequeue.json';
import recordings from '$messages/ru/recordings.json';
import settings from '$messages/ru/settings.json';
import shop from '$messages/ru/shop.json';

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

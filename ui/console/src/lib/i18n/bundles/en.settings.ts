import callcontrol from '$messages/en/callcontrol.json';
import channel from '$messages/en/channel.json';
import commerce from '$messages/en/commerce.json';
import goods from '$messages/en/goods.json';
import handset from '$messages/en/handset.json';
import notices from '$messages/en/notices.json';
import notify from '$messages/en/notify.json';
import optouts from '$messages/en/optouts.json';
import outgoing from '$messages/en/outgoing.json';
import phonequeue from '$messages/en/phonequeue.json';
import recordings from '$messages/en/recordings.json';
import settings from '$messages/en/settings.json';
import shop from '$messages/en/shop.json';

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

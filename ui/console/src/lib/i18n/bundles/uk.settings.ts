import callcontrol from '$messages/uk/callcontrol.json';
import channel from '$messages/uk/channel.json';
import commerce from '$messages/uk/commerce.json';
import goods from '$messages/uk/goods.json';
import handset from '$messages/uk/handset.json';
import notices from '$messages/uk/notices.json';
import notify from '$messages/uk/notify.json';
import optouts from '$messages/uk/optouts.json';
import outgoing from '$messages/uk/outgoing.json';
import phonequeue from '$messages/uk/phonequeue.json';
import recordings from '$messages/uk/recordings.json';
import settings from '$messages/uk/settings.json';
import shop from '$messages/uk/shop.json';

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

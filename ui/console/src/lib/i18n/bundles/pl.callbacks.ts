import callbacks from '$messages/pl/callbacks.json';
import phone from '$messages/pl/phone.json';

export default { ...phone, ...callbacks };

import callbacks from '$messages/ru/callbacks.json';
import phone from '$messages/ru/phone.json';

export default { ...phone, ...callbacks };

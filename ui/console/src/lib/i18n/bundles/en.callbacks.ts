import callbacks from '$messages/en/callbacks.json';
import phone from '$messages/en/phone.json';

export default { ...phone, ...callbacks };

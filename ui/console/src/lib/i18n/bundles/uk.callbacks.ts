import callbacks from '$messages/uk/callbacks.json';
import phone from '$messages/uk/phone.json';

export default { ...phone, ...callbacks };

import error from '$messages/ru/error.json';
import know from '$messages/ru/know.json';
import script from '$messages/ru/script.json';

export default { ...error, ...know, ...script };

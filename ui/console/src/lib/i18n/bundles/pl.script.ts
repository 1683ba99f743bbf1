import error from '$messages/pl/error.json';
import know from '$messages/pl/know.json';
import script from '$messages/pl/script.json';

export default { ...error, ...know, ...script };

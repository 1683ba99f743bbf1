import error from '$messages/en/error.json';
import know from '$messages/en/know.json';
import script from '$messages/en/script.json';

export default { ...error, ...know, ...script };

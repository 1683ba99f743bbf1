import error from '$messages/uk/error.json';
import know from '$messages/uk/know.json';
import script from '$messages/uk/script.json';

export default { ...error, ...know, ...script };

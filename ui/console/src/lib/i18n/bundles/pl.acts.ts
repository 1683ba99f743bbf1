import act from '$messages/pl/act.json';
import template from '$messages/pl/template.json';

export default { ...act, ...template };

import act from '$messages/en/act.json';
import template from '$messages/en/template.json';

export default { ...act, ...template };

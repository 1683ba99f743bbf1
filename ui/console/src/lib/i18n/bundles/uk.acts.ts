import act from '$messages/uk/act.json';
import template from '$messages/uk/template.json';

export default { ...act, ...template };

import act from '$messages/ru/act.json';
import template from '$messages/ru/template.json';

export default { ...act, ...template };

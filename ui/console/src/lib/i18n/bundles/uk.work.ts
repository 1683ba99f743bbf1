import notify from '$messages/uk/notify.json';
import tasks from '$messages/uk/tasks.json';
import work from '$messages/uk/work.json';

export default { ...notify, ...tasks, ...work };

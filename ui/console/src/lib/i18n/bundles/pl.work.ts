import notify from '$messages/pl/notify.json';
import tasks from '$messages/pl/tasks.json';
import work from '$messages/pl/work.json';

export default { ...notify, ...tasks, ...work };

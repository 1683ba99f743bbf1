import notify from '$messages/en/notify.json';
import tasks from '$messages/en/tasks.json';
import work from '$messages/en/work.json';

export default { ...notify, ...tasks, ...work };

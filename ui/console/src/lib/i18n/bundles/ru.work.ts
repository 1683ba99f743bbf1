import notify from '$messages/ru/notify.json';
import tasks from '$messages/ru/tasks.json';
import work from '$messages/ru/work.json';

export default { ...notify, ...tasks, ...work };

import work from '$messages/ru/work.json';

export default work;

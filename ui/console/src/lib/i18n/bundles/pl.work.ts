import work from '$messages/pl/work.json';

export default work;

import work from '$messages/en/work.json';

export default work;

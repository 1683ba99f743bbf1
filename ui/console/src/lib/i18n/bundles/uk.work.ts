import work from '$messages/uk/work.json';

export default work;

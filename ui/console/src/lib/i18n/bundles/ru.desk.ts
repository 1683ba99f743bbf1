import console from '$messages/ru/console.json';
import customer from '$messages/ru/customer.json';
import inbox from '$messages/ru/inbox.json';
import post from '$messages/ru/post.json';

export default { ...console, ...inbox, ...post, ...customer };

import console from '$messages/ru/console.json';
import customer from '$messages/ru/customer.json';
import inbox from '$messages/ru/inbox.json';
import letter from '$messages/ru/letter.json';
import post from '$messages/ru/post.json';

export default { ...console, ...inbox, ...letter, ...post, ...customer };

import console from '$messages/pl/console.json';
import customer from '$messages/pl/customer.json';
import inbox from '$messages/pl/inbox.json';
import letter from '$messages/pl/letter.json';
import post from '$messages/pl/post.json';

export default { ...console, ...inbox, ...letter, ...post, ...customer };

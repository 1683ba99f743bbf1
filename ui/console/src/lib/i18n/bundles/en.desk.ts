import console from '$messages/en/console.json';
import customer from '$messages/en/customer.json';
import inbox from '$messages/en/inbox.json';
import letter from '$messages/en/letter.json';
import post from '$messages/en/post.json';

export default { ...console, ...inbox, ...letter, ...post, ...customer };

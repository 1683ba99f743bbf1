import console from '$messages/uk/console.json';
import customer from '$messages/uk/customer.json';
import inbox from '$messages/uk/inbox.json';
import letter from '$messages/uk/letter.json';
import post from '$messages/uk/post.json';

export default { ...console, ...inbox, ...letter, ...post, ...customer };

import console from '$messages/en/console.json';
import customer from '$messages/en/customer.json';
import inbox from '$messages/en/inbox.json';

export default { ...console, ...inbox, ...customer };

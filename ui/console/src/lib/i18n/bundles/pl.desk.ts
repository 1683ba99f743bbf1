import console from '$messages/pl/console.json';
import customer from '$messages/pl/customer.json';
import inbox from '$messages/pl/inbox.json';

export default { ...console, ...inbox, ...customer };

import console from '$messages/uk/console.json';
import customer from '$messages/uk/customer.json';
import inbox from '$messages/uk/inbox.json';

export default { ...console, ...inbox, ...customer };

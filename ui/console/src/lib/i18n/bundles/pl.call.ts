import call from '$messages/pl/call.json';

export default call;

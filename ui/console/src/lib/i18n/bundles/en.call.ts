import call from '$messages/en/call.json';

export default call;

import call from '$messages/uk/call.json';

export default call;

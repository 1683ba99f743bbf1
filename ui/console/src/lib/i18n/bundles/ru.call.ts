import call from '$messages/ru/call.json';

export default call;

import settings from '$messages/uk/settings.json';

export default { ...settings };

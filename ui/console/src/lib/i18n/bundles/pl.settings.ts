import settings from '$messages/pl/settings.json';

export default { ...settings };

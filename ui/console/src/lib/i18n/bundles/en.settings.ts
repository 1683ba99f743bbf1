import settings from '$messages/en/settings.json';

export default { ...settings };

import settings from '$messages/ru/settings.json';

export default { ...settings };

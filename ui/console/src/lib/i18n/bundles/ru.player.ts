import player from '$messages/ru/player.json';
import recordings from '$messages/ru/recordings.json';

export default { ...player, ...recordings };

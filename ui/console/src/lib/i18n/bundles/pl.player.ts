import player from '$messages/pl/player.json';
import recordings from '$messages/pl/recordings.json';

export default { ...player, ...recordings };

import player from '$messages/en/player.json';
import recordings from '$messages/en/recordings.json';

export default { ...player, ...recordings };

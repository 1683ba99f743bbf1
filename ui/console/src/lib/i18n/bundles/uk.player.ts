import player from '$messages/uk/player.json';
import recordings from '$messages/uk/recordings.json';

export default { ...player, ...recordings };

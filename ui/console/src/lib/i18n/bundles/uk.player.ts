import player from '$messages/uk/player.json';

export default player;

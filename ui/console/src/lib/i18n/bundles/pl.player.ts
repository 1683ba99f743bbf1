import player from '$messages/pl/player.json';

export default player;

import player from '$messages/en/player.json';

export default player;

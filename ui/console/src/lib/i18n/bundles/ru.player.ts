import player from '$messages/ru/player.json';

export default player;

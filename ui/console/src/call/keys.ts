// The keys of a call. They work while typing too, so none of them is one with which a Polish keyboard writes a letter.
export const chord = {
  accept: 'Alt+KeyY',
  decline: 'Alt+KeyD',
  hangup: 'Alt+KeyQ',
  mute: 'Alt+KeyM',
  hold: 'Alt+KeyH',
  keypad: 'Alt+KeyK',
  pass: 'Alt+KeyT',
  outcome: 'Alt+KeyW',
  open: 'Alt+KeyI',
} as const;

/** The digits and signs of a telephone, as their keys lie. */
export const digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

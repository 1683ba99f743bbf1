// The few marks of a letter's text, put around what is chosen: internal/text/marks.go reads them.

export interface Marked {
  from: number;
  to: number;
  words: string;
  /** What is chosen afterwards, counted from `from`. */
  pick: [number, number];
}

/** Bold, or no longer bold. */
export function bold(text: string, from: number, to: number): Marked {
  const chosen = text.slice(from, to);
  if (text.slice(from - 2, from) === '**' && text.slice(to, to + 2) === '**')
    return { from: from - 2, to: to + 2, words: chosen, pick: [0, chosen.length] };
  return { from, to, words: `**${chosen}**`, pick: [2, 2 + chosen.length] };
}

/** The lines chosen become a list, or cease to be one. */
export function list(text: string, from: number, to: number): Marked {
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const next = text.indexOf('\n', Math.max(to, from));
  const end = next < 0 ? text.length : next;
  const lines = text.slice(start, end).split('\n');
  const all = lines.every((l) => l.startsWith('- '));
  const words = lines.map((l) => (all ? l.slice(2) : l.startsWith('- ') ? l : `- ${l}`)).join('\n');
  return { from: start, to: end, words, pick: [words.length, words.length] };
}

/** The words chosen become a link; an address that is chosen gets words to be written. */
export function link(text: string, from: number, to: number, placeholder: string): Marked {
  const chosen = text.slice(from, to);
  if (/^https?:\/\/\S+$/.test(chosen))
    return { from, to, words: `[${placeholder}](${chosen})`, pick: [1, 1 + placeholder.length] };
  const words = chosen || placeholder;
  const whole = `[${words}](https://)`;
  return { from, to, words: whole, pick: [whole.length - 1, whole.length - 1] };
}

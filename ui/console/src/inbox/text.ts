// Plain text as it is shown: links become links, the quoted tail of a letter folds away. Nothing is ever markup.

export interface Piece {
  text: string;
  href?: string;
}

const link = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}»]/gi;

export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(link)) {
    if (found.index > from) out.push({ text: text.slice(from, found.index) });
    out.push({ text: found[0], href: found[0] });
    from = found.index + found[0].length;
  }
  if (from < text.length) out.push({ text: text.slice(from) });
  return out;
}

/** Splits off a tail in which every line is quoted with ">", and the line that announces it. */
export function parse(text: string): { body: Piece[]; quote: string } {
  const lines = text.trimEnd().split('\n');
  let from = lines.length;
  while (from > 0 && /^\s*(>|$)/.test(lines[from - 1]!)) from--;
  const quoted = lines.slice(from).some((l) => l.trimStart().startsWith('>'));
  if (!quoted || from === 0) return { body: pieces(text), quote: '' };
  if (/:\s*$/.test(lines[from - 1]!) && from > 1) from--;
  return {
    body: pieces(lines.slice(0, from).join('\n').trimEnd()),
    quote: lines.slice(from).join('\n').trim(),
  };
}

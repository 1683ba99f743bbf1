// Saved replies have places that the server fills. One that it couldn't fill stands there as {order.tracking} and mustn't go out so.
export interface Part {
  text: string;
  hole: boolean;
}

const pattern = /\{(?:customer|agent|store|order|links)\.[a-z_]+\}/g;

export function holes(text: string): { at: number; text: string }[] {
  return [...text.matchAll(pattern)].map((m) => ({ at: m.index, text: m[0] }));
}

/** The text cut at its open places. */
export function places(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const hole of holes(text)) {
    if (hole.at > from) parts.push({ text: text.slice(from, hole.at), hole: false });
    parts.push({ text: hole.text, hole: true });
    from = hole.at + hole.text.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), hole: false });
  return parts;
}

/** What is being looked for when the caret stands behind a "/" that begins a word. */
export function slashAt(text: string, caret: number): { at: number; query: string } | undefined {
  const found = /(?:^|\s)\/([^\s/]*)$/.exec(text.slice(0, caret));
  return found ? { at: caret - found[1]!.length - 1, query: found[1]! } : undefined;
}

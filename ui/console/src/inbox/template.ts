// A message that a channel's service has approved: what stands in its places, and how the customer reads it.
import type { TemplateOffer } from '$lib/api';

const place = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;

/** What stands in a place: a variable of the customer's, or the agent's own words. */
export interface Filling {
  variable: string;
  words: string;
}

/** How the places begin: as they were filled last, where that is known of this customer. */
export function begin(offer: TemplateOffer, variables: Record<string, string>): Filling[] {
  return offer.places.map((_, n) => {
    const name = /^\{(.+)\}$/.exec(offer.fills[n] ?? '')?.[1] ?? '';
    return { variable: name in variables ? name : '', words: '' };
  });
}

export const valueOf = (f: Filling, variables: Record<string, string>) =>
  (f.variable ? (variables[f.variable] ?? '') : f.words).replace(/\s+/g, ' ').trim();

/** What the server is told. */
export const told = (f: Filling) => (f.variable ? `{${f.variable}}` : f.words);

export interface Piece {
  text: string;
  /** An open place. */
  open: boolean;
}

/** The text of a part, cut at the places that nothing stands in yet. */
export function pieces(text: string, values: Record<string, string>): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  const put = (words: string, open: boolean) => {
    const last = out.at(-1);
    if (last && !last.open && !open) last.text += words;
    else if (words) out.push({ text: words, open });
  };
  for (const m of text.matchAll(place)) {
    put(text.slice(from, m.index), false);
    const value = values[m[1]!] ?? '';
    put(value || m[0], value === '');
    from = m.index + m[0].length;
  }
  put(text.slice(from), false);
  return out;
}

export interface Preview {
  header: Piece[];
  body: Piece[];
  footer: string;
  buttons: { text: string; url: Piece[] }[];
}

export function preview(
  offer: TemplateOffer,
  fillings: Filling[],
  variables: Record<string, string>,
): Preview {
  const of = (part: string, button = 0) =>
    Object.fromEntries(
      offer.places.flatMap((p, n) =>
        p.part === part && (part !== 'button' || p.button === button)
          ? [[p.name, fillings[n] ? valueOf(fillings[n], variables) : '']]
          : [],
      ),
    );
  return {
    header: pieces(offer.header, of('header')),
    body: pieces(offer.body, of('body')),
    footer: offer.footer,
    buttons: offer.buttons.map((b, n) => ({ text: b.text, url: pieces(b.url, of('button', n)) })),
  };
}

/** The whole as text: what the thread shows until the server's own word. */
export function asText(p: Preview): string {
  const line = (list: Piece[]) => list.map((x) => x.text).join('');
  return [
    line(p.header),
    line(p.body),
    p.footer,
    p.buttons.map((b) => `[${b.text}] ${line(b.url)}`.trim()).join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n');
}

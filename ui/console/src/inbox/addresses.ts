// E-mail addresses as people type and paste them.

/** The address alone, in lower case. */
export function bare(address: string): string {
  const at = address.lastIndexOf('<');
  return (at < 0 ? address : address.slice(at + 1).replace(/>.*$/, '')).trim().toLowerCase();
}

/** The name before it; empty: none. */
export function nameOf(address: string): string {
  const at = address.lastIndexOf('<');
  return at > 0
    ? address
        .slice(0, at)
        .trim()
        .replace(/^"(.*)"$/, '$1')
    : '';
}

const shape = /^[^\s@<>"(),;:]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}]{2,}$/u;

/** Whether it can be written to, as far as its looks tell. */
export const valid = (address: string) => shape.test(bare(address));

/** Takes apart what was typed or pasted: a list with commas, semicolons or lines, names with or without quotes. */
export function addressesIn(text: string): string[] {
  const out: string[] = [];
  let part = '';
  let quoted = false;
  const end = () => {
    const one = part.trim().replace(/\s+/g, ' ');
    if (one) out.push(one);
    part = '';
  };
  for (const c of text) {
    if (c === '"') quoted = !quoted;
    if (!quoted && /[,;\n\r\t]/.test(c)) end();
    else part += c;
  }
  end();
  // "a@x.example b@y.example": spaces alone part those that are no names.
  return out.flatMap((one) =>
    !one.includes('<') && one.split(' ').length > 1 && one.split(' ').every(valid) ? one.split(' ') : [one],
  );
}

/** The list with more in it, each address once. */
export function joined(list: string[], more: string[]): string[] {
  const out = [...list];
  for (const a of more) if (!out.some((had) => bare(had) === bare(a))) out.push(a);
  return out;
}

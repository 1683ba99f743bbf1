// Two texts line by line: what only the one has, what only the other has.
export interface Line {
  sign: ' ' | '-' | '+';
  text: string;
}

/** The lines of both texts in order; '-' stands only in the first, '+' only in the second. */
export function differ(before: string, after: string): Line[] {
  const a = before.split('\n');
  const b = after.split('\n');
  // longest[i][j] is how many lines a[i..] and b[j..] have in common, in order.
  const longest = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i]![j] =
        a[i] === b[j] ? longest[i + 1]![j + 1]! + 1 : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!);
  const out: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ sign: ' ', text: a[i]! });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && longest[i + 1]![j]! >= longest[i]![j + 1]!)) {
      out.push({ sign: '-', text: a[i++]! });
    } else {
      out.push({ sign: '+', text: b[j++]! });
    }
  }
  return out;
}

/** Where a line and column of a text are, counted from its beginning; and the length of the word there. */
export function spot(text: string, line: number, column: number): { at: number; length: number } {
  const lines = text.split('\n');
  const before = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  // The server counts characters, a text field counts UTF-16 units.
  const within = [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length;
  const at = Math.min(before + within, text.length);
  const word = /^[\w.]+|^\S+/.exec(text.slice(at));
  return { at, length: word ? word[0].length : 0 };
}

// By which channel an answer goes, and what fits into it.
import type { Way } from '$lib/api';

const gsm =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const gsmTwice = '\f^{}\\[~]|€';
const alike: Record<string, string> = {
  '“': '"',
  '”': '"',
  '„': '"',
  '«': '"',
  '»': '"',
  '’': "'",
  '‘': "'",
  '–': '-',
  '—': '-',
  '…': '...',
  '\u00a0': ' ',
  '\u202f': ' ',
  '\u2011': '-',
  '№': 'No',
  '\t': ' ',
};

const inGsm = (s: string) => [...s].every((c) => gsm.includes(c) || gsmTwice.includes(c));

/** How many short messages a text takes: what internal/text counts on the server. */
export function segments(text: string): number {
  let s = text.replaceAll('\r\n', '\n');
  const plain = [...s].map((c) => alike[c] ?? c).join('');
  if (inGsm(plain)) s = plain;
  const wide = !inGsm(s);
  const units = (c: string) => (wide ? c.length : gsmTwice.includes(c) ? 2 : 1);
  const [whole, part] = wide ? [70, 67] : [160, 153];
  const all = [...s];
  if (all.reduce((sum, c) => sum + units(c), 0) <= whole) return 1;
  let count = 1;
  let used = 0;
  for (const c of all) {
    if (used + units(c) > part) {
      count++;
      used = 0;
    }
    used += units(c);
  }
  return count;
}

/** Whether free text may not be sent at this moment. */
export function closed(way: Way | undefined, now: number): boolean {
  if (!way || way.window_s === 0) return false;
  return !way.window_until || Date.parse(way.window_until) <= now;
}

/** What a way may have too much of. */
export function tooLong(way: Way | undefined, text: string): boolean {
  if (!way) return false;
  if (way.channel === 'sms') return segments(text) > 10;
  return way.abilities.max_text > 0 && [...text].length > way.abilities.max_text;
}

// The words of one language, put in when the panel is built; each language is a file of its own.

type Entry = string | Record<string, string>;
declare const TEXTS: Record<string, Entry>;
declare const LANGUAGE: string;

const plural = new Intl.PluralRules(LANGUAGE);

export function t(key: string, args: Record<string, string | number> = {}): string {
  const entry = TEXTS[key];
  const form = typeof entry === 'object' ? entry[plural.select(+args.n!)] || entry.other! : entry || '';
  return form.replace(/\{(\w+)\}/g, (_, name: string) => '' + (args[name] ?? ''));
}

const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(LANGUAGE, options);
const time = format({ hour: '2-digit', minute: '2-digit' });
const day = format({ weekday: 'long', day: 'numeric', month: 'long' });

export const clock = (at: string) => time.format(new Date(at));
export const date = (at: string) => day.format(new Date(at));
export const shortDate = (at: string) => format({ day: 'numeric', month: 'short' }).format(new Date(at));

// A moment as the shop's own clocks show it: "Monday, 09:00".
export const moment = (at: string, timeZone: string) =>
  format({ weekday: 'long', hour: '2-digit', minute: '2-digit', timeZone, ...(+new Date(at) - Date.now() > 5e8 && { day: 'numeric', month: 'long' }) }).format(new Date(at));

export const money = (m: { amount: number; currency: string }) => {
  const f = new Intl.NumberFormat(LANGUAGE, { style: 'currency', currency: m.currency });
  return f.format(m.amount / 10 ** f.resolvedOptions().maximumFractionDigits!);
};

export const language = LANGUAGE;

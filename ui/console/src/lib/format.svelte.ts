// Times, money and sizes as the agent reads them. `clock.now` ticks, so ages on the screen grow by themselves.
import type { Money, Time } from './api/types';
import { locale, t } from './i18n/index.svelte';

let now = $state(Date.now());
if (typeof window !== 'undefined') setInterval(() => (now = Date.now()), 15_000);

export const clock = {
  get now(): number {
    return now;
  },
};

const cache = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();
function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale.region + JSON.stringify(options);
  let format = cache.get(key) as Intl.DateTimeFormat | undefined;
  if (!format) cache.set(key, (format = new Intl.DateTimeFormat(locale.region, options)));
  return format;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** "now", "4m", "3h", "2d", then the date: what fits the corner of a row. */
export function age(at: Time): string {
  const passed = now - Date.parse(at);
  if (passed < minute) return t('time.now');
  if (passed < hour) return t('time.minutes', { n: Math.floor(passed / minute) });
  if (passed < day) return t('time.hours', { n: Math.floor(passed / hour) });
  if (passed < 7 * day) return t('time.days', { n: Math.floor(passed / day) });
  return date(at);
}

/** How long until (positive) or since (negative) a deadline, in the same short form. */
export function until(at: Time): { late: boolean; soon: boolean; text: string } {
  const left = Date.parse(at) - now;
  const size = Math.abs(left);
  const text =
    size < hour
      ? t('time.minutes', { n: Math.max(1, Math.round(size / minute)) })
      : size < day
        ? t('time.hours', { n: Math.round(size / hour) })
        : t('time.days', { n: Math.round(size / day) });
  return { late: left < 0, soon: left < 15 * minute, text };
}

export const time = (at: Time) => dates({ hour: '2-digit', minute: '2-digit' }).format(Date.parse(at));

export function date(at: Time): string {
  const then = new Date(at);
  const sameYear = then.getFullYear() === new Date(now).getFullYear();
  return dates({ day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' }).format(then);
}

/** Today by the hour, other days by the date and the hour. */
export function moment(at: Time): string {
  return sameDay(Date.parse(at), now) ? time(at) : `${date(at)}, ${time(at)}`;
}

export const full = (at: Time) => dates({ dateStyle: 'full', timeStyle: 'short' }).format(Date.parse(at));

/** The heading over a day's messages. */
export function dayName(at: Time): string {
  const then = Date.parse(at);
  if (sameDay(then, now)) return t('time.today');
  if (sameDay(then, now - day)) return t('time.yesterday');
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return dates({
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: sameYear ? undefined : 'numeric',
  }).format(then);
}

export function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

export function money(m: Money): string {
  const key = locale.region + m.currency;
  let format = cache.get(key) as Intl.NumberFormat | undefined;
  if (!format) {
    try {
      format = new Intl.NumberFormat(locale.region, {
        style: 'currency',
        currency: m.currency,
        currencyDisplay: 'narrowSymbol',
        trailingZeroDisplay: 'stripIfInteger',
      } as Intl.NumberFormatOptions);
    } catch {
      format = new Intl.NumberFormat(locale.region); // a currency that no standard knows
    }
    cache.set(key, format);
  }
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(m.amount / 10 ** digits);
}

export function number(n: number): string {
  const key = locale.region + 'n';
  let format = cache.get(key) as Intl.NumberFormat | undefined;
  if (!format) cache.set(key, (format = new Intl.NumberFormat(locale.region)));
  return format.format(n);
}

export function size(bytes: number): string {
  if (bytes < 1024 * 1024) return t('size.kb', { n: Math.max(1, Math.round(bytes / 1024)) });
  return t('size.mb', { n: Math.round((bytes / 1024 / 1024) * 10) / 10 });
}

/** Up to two letters for an avatar. */
export function initials(name: string): string {
  const parts = name
    .trim()
    .split(/\s+/)
    .filter((p) => /[\p{L}\p{N}]/u.test(p));
  const first = parts[0]?.match(/[\p{L}\p{N}]/u)?.[0] ?? '';
  const last = parts.length > 1 ? (parts.at(-1)!.match(/[\p{L}\p{N}]/u)?.[0] ?? '') : '';
  return (first + last).toUpperCase();
}

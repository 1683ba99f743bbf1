// Reads opening hours as the server does: holidays over weekdays, spans that run past midnight, the store's own time zone.
import { locale } from '$lib/i18n/index.svelte';
import type { Calendar, Span } from './api';

export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof days)[number];

/** A day's name in the language of the screen. */
export const dayName = (d: Day): string =>
  new Intl.DateTimeFormat(locale.region, { weekday: 'long', timeZone: 'UTC' }).format(
    Date.UTC(2024, 0, 1 + days.indexOf(d)),
  );

const whole: Span[] = [{ from: '00:00', to: '24:00' }];
const ofDay = 1440;

export function minutes(clock: string): number {
  const [h, m] = clock.split(':');
  return Number(h) * 60 + Number(m);
}

/** The wall clock of a zone: the date, and the minutes since midnight. */
export function wall(zone: string, at: number): { date: string; minute: number } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const of = (type: string) => parts.find((p) => p.type === type)?.value ?? '';
  return {
    date: `${of('year')}-${of('month')}-${of('day')}`,
    minute: Number(of('hour')) * 60 + Number(of('minute')),
  };
}

export function plusDays(date: string, n: number): string {
  const at = new Date(date + 'T00:00:00Z');
  at.setUTCDate(at.getUTCDate() + n);
  return at.toISOString().slice(0, 10);
}

export const dayOf = (date: string): Day => days[(new Date(date + 'T00:00:00Z').getUTCDay() + 6) % 7]!;

/** The hours of one date. A dated holiday wins over a yearly one, then the later in the list. */
export function hoursOn(c: Calendar, date: string): Span[] {
  const yearly = date.slice(5);
  let found: Span[] | undefined;
  for (const h of c.holidays ?? []) {
    if (h.date.length !== 5 || !covers(h.date, h.until, yearly)) continue;
    found = h.hours ?? [];
  }
  for (const h of c.holidays ?? []) {
    if (h.date.length === 10 && date >= h.date && date <= (h.until || h.date)) found = h.hours ?? [];
  }
  return found ?? (c.always ? whole : (c.week?.[dayOf(date)] ?? []));
}

function covers(from: string, until: string | undefined, date: string): boolean {
  const to = until || from;
  return from <= to ? date >= from && date <= to : date >= from || date <= to;
}

const reach = (s: Span): [number, number] => {
  const from = minutes(s.from);
  const to = minutes(s.to);
  return [from, to <= from ? to + ofDay : to];
};

export interface Standing {
  open: boolean;
  /** When that changes; undefined when it doesn't within a year. */
  next?: { date: string; minute: number };
}

/** Whether it is open at a moment, and until or from when. */
export function standing(c: Calendar, at: number): Standing {
  const { date, minute } = wall(c.zone, at);
  // Minutes are counted from today's midnight; yesterday's hours may reach into today.
  const spans: [number, number][] = [];
  for (let day = -1; day <= 370; day++) {
    for (const s of hoursOn(c, plusDays(date, day))) {
      const [from, to] = reach(s);
      spans.push([from + day * ofDay, to + day * ofDay]);
    }
    if (day > 8 && spans.some(([from]) => from > minute) && !c.always) break;
  }
  spans.sort((a, b) => a[0] - b[0]);
  const now = spans.find(([from, to]) => from <= minute && minute < to);
  if (!now) {
    const next = spans.find(([from]) => from > minute);
    return { open: false, next: next && moment(date, next[0]) };
  }
  let end = now[1];
  for (const [from, to] of spans) if (from <= end && to > end) end = to;
  return { open: true, next: end > 366 * ofDay ? undefined : moment(date, end) };
}

function moment(date: string, minute: number): { date: string; minute: number } {
  const day = Math.floor(minute / ofDay);
  return { date: plusDays(date, day), minute: minute - day * ofDay };
}

export const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

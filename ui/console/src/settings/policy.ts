// A policy in plain words: what a notice does, and what one policy does otherwise than another.
import { maybe, t, type Key } from '$lib/i18n/index.svelte';
import { channelName } from '../inbox/channels';
import type { Notice, Policy } from './notices';

export type Detector = Policy['detectors'][number];
export type Cap = Policy['caps'][number];
export const written = ['email', 'sms', 'telegram', 'viber', 'whatsapp', 'messenger'] as const;

export interface Change {
  what: string;
  detail: string;
  tone: 'good' | 'bad' | 'plain';
}

export const momentName = (key: string) => maybe(`notice.moment.${key}`) ?? key;
export const exceptionName = (kind: string) => maybe(`exception.${kind}`) ?? kind;

/** A length of time in the largest unit that it fills. */
export function lasting(seconds: number): string {
  if (seconds === 0) return t('policy.at_once');
  for (const [unit, n] of [
    ['days', 86400],
    ['hours', 3600],
    ['minutes', 60],
  ] as const)
    if (seconds % n === 0) return t(`policy.${unit}`, { n: seconds / n });
  return t('policy.minutes', { n: Math.round(seconds / 60) });
}

export function channelsOf(n: Notice): string {
  return n.channels
    .map((s, i) =>
      s.wait_s > 0 && i < n.channels.length - 1
        ? `${channelName(s.channel)} (${lasting(s.wait_s)})`
        : channelName(s.channel),
    )
    .join(' → ');
}

/** What a notice does, as one would say it. */
export function summary(n: Notice): string {
  return [
    channelsOf(n),
    n.prefer_own && n.channels.length > 1 && t('policy.own_first'),
    n.delay_s > 0 && t('policy.after', { time: lasting(n.delay_s) }),
    n.once !== 'part' && t(`policy.once_${n.once}`),
    n.group && t('policy.one_of_group', { group: n.group }),
  ]
    .filter(Boolean)
    .join(' · ');
}

export function detectorSummary(d: Detector, department = ''): string {
  return [
    d.after_s
      ? t(d.working ? 'policy.after_working' : 'policy.after', { time: lasting(d.after_s) })
      : t('policy.at_once'),
    t(`notify.work_${d.work}`) + (d.work !== 'none' && department ? ` (${department})` : ''),
    d.work !== 'none' && t('policy.to_be_done', { time: lasting(d.deadline_s || 86400) }),
  ]
    .filter(Boolean)
    .join(' · ');
}

const ruleSaid: [keyof Policy, Key, (p: Policy) => string][] = [
  [
    'quiet',
    'notify.quiet',
    (p) =>
      p.quiet.from
        ? `${p.quiet.from}–${p.quiet.to}: ${p.quiet.channels.map(channelName).join(', ')}`
        : t('policy.none'),
  ],
  ['caps', 'policy.caps', (p) => p.caps.map(capSaid).join('; ') || t('policy.none')],
  ['language', 'notify.language', (p) => languageSaid(p.language)],
  ['max_age_s', 'policy.max_age', (p) => lasting(p.max_age_s)],
  ['reservation_s', 'policy.reservation', (p) => lasting(p.reservation_s)],
  ['storage_days', 'policy.storage', (p) => t('policy.days', { n: p.storage_days })],
];

export const capSaid = (c: Cap) =>
  t('policy.cap_said', {
    n: c.max,
    time: lasting(c.within_s),
    channels: c.channels.map(channelName).join(', '),
  });
export const languageSaid = (code: string) =>
  code === 'customer' ? t('notify.language_customer') : (maybe(`language.${code}`) ?? code.toUpperCase());

/** What the second policy does otherwise than the first. */
export function changes(before: Policy, after: Policy): Change[] {
  const out: Change[] = [];
  const say = (what: string, detail: string, tone: Change['tone'] = 'plain') =>
    out.push({ what, detail, tone });
  const old = new Map(before.notices.map((n) => [n.key, n]));
  for (const n of after.notices) {
    const was = old.get(n.key);
    old.delete(n.key);
    const name = noticeName(n, after);
    if (!was) {
      if (n.on) say(name, t('policy.new', { how: summary(n) }), 'good');
      else say(name, t('policy.new_off'));
      continue;
    }
    if (was.on !== n.on) say(name, t(n.on ? 'policy.turned_on' : 'policy.turned_off'), n.on ? 'good' : 'bad');
    if (!n.on) continue;
    if (was.moment !== n.moment) say(name, arrow(momentName(was.moment), momentName(n.moment)));
    if (summary(was) !== summary(n)) say(name, arrow(summary(was), summary(n)));
    if (was.when !== n.when)
      say(
        name,
        `${t('notify.when')}: ${arrow(was.when || t('policy.always'), n.when || t('policy.always'))}`,
      );
    if (was.template !== n.template)
      say(
        name,
        `${t('settings.words')}: ${arrow(momentName(was.template || was.moment), momentName(n.template || n.moment))}`,
      );
  }
  for (const n of old.values()) say(noticeName(n, before), t('policy.removed'), 'bad');
  const watched = new Map(before.detectors.map((d) => [d.kind, d]));
  for (const d of after.detectors) {
    const was = watched.get(d.kind);
    watched.delete(d.kind);
    const name = t('policy.watch', { what: exceptionName(d.kind) });
    if (!was) say(name, detectorSummary(d), 'good');
    else if (was.on !== d.on)
      say(name, t(d.on ? 'policy.turned_on' : 'policy.turned_off'), d.on ? 'good' : 'bad');
    else if (d.on && JSON.stringify(was) !== JSON.stringify(d)) {
      const [a, b] = [detectorSummary(was), detectorSummary(d)];
      say(name, a === b ? t('notify.department') : arrow(a, b));
    }
  }
  for (const d of watched.values())
    say(t('policy.watch', { what: exceptionName(d.kind) }), t('policy.removed'), 'bad');
  for (const [field, label, said] of ruleSaid)
    if (JSON.stringify(before[field]) !== JSON.stringify(after[field]))
      say(t(label), arrow(said(before), said(after)));
  return out;
}

const arrow = (a: string, b: string) => `${a} ⇒ ${b}`;

/** The name of a notice; where a moment has several, with what tells them apart. */
export function noticeName(n: Notice, p: Policy): string {
  const same = p.notices.filter((o) => o.moment === n.moment);
  return same.length > 1
    ? `${momentName(n.moment)} (${channelName(n.channels[0]?.channel ?? '')})`
    : momentName(n.moment);
}

/** A key that no notice of the policy has yet. */
export function freeKey(p: Policy, moment: string): string {
  for (let i = 1; ; i++) {
    const key = i === 1 ? moment : `${moment}.${i}`;
    if (!p.notices.some((n) => n.key === key)) return key;
  }
}

/** The channels that weren't taken, by why not. */
export function passedSaid(list: { channel: string; why: string }[]): string {
  const by = new Map<string, string[]>();
  for (const p of list) by.set(p.why, [...(by.get(p.why) ?? []), channelName(p.channel)]);
  return [...by]
    .map(([why, names]) => `${maybe(`notice.why.${why}`) ?? why}: ${names.join(', ')}`)
    .join('; ');
}

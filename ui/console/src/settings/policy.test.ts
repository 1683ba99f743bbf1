import { beforeAll, describe, expect, it } from 'vitest';
import { needWords, setLanguage } from '$lib/i18n/index.svelte';
import type { Policy } from './notices';
import { changes, freeKey, lasting, summary } from './policy';

beforeAll(async () => {
  await setLanguage('en');
  await needWords('settings');
});

const policy = (): Policy => ({
  notices: [
    {
      key: 'accepted.email',
      moment: 'accepted',
      on: true,
      template: '',
      when: '',
      channels: [{ channel: 'email', wait_s: 0 }],
      prefer_own: false,
      delay_s: 0,
      group: '',
      once: 'part',
    },
    {
      key: 'handed_over',
      moment: 'handed_over',
      on: true,
      template: '',
      when: '',
      channels: [
        { channel: 'viber', wait_s: 1800 },
        { channel: 'sms', wait_s: 0 },
      ],
      prefer_own: true,
      delay_s: 0,
      group: '',
      once: 'part',
    },
  ],
  detectors: [
    {
      kind: 'parcel_stuck',
      on: true,
      after_s: 259200,
      working: false,
      work: 'task',
      department_id: 0,
      deadline_s: 86400,
    },
  ],
  quiet: { from: '21:00', to: '09:00', channels: ['sms'] },
  caps: [{ channels: ['sms'], max: 6, within_s: 86400 }],
  language: 'customer',
  max_age_s: 172800,
  reservation_s: 1800,
  storage_days: 7,
});

describe('a policy in plain words', () => {
  it('says what a notice does', () => {
    expect(summary(policy().notices[1]!)).toMatch(/^Viber \(30 minutes\) → SMS · /);
    expect(lasting(86400)).toBe('1 day');
    expect(lasting(5400)).toBe('90 minutes');
  });
  it('says nothing when nothing is changed', () => expect(changes(policy(), policy())).toEqual([]));
  it('names every change once', () => {
    const after = policy();
    after.notices[0]!.on = false;
    after.notices[1]!.delay_s = 3600;
    after.notices[1]!.when = 'order.total > 1000';
    after.notices.push({ ...after.notices[1]!, key: freeKey(after, 'delivered'), moment: 'delivered' });
    after.detectors[0]!.after_s = 172800;
    after.quiet.to = '10:00';
    const said = changes(policy(), after);
    expect(said.map((c) => c.what)).toEqual([
      'Order placed',
      'Handed to delivery',
      'Handed to delivery',
      'Delivered',
      expect.stringContaining('Parcel'),
      'Quiet hours',
    ]);
    expect(said[0]!.tone).toBe('bad');
    expect(said[3]!.tone).toBe('good');
    expect(
      changes(after, policy())
        .filter((c) => c.tone === 'bad')
        .map((c) => c.what),
    ).toEqual(['Delivered']);
  });
  it('finds a key that is free', () => {
    const p = policy();
    expect(freeKey(p, 'handed_over')).toBe('handed_over.2');
    expect(freeKey(p, 'delivered')).toBe('delivered');
  });
});

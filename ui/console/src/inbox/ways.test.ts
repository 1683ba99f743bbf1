import { describe, expect, it } from 'vitest';
import type { Way } from '$lib/api';
import { closed, segments, tooLong } from './ways';

const way = (part: Partial<Way>): Way => ({
  channel: 'whatsapp',
  connection_id: 1,
  name: '',
  address: '1',
  state: 'ok',
  window_until: null,
  window_s: 0,
  opted_out: '',
  abilities: { max_text: 0, files: true, max_file: 0, templates: false },
  ...part,
});

// The cases of internal/text/sms_test.go.
describe('short messages', () => {
  it.each([
    ['', 1],
    ['a'.repeat(160), 1],
    ['a'.repeat(161), 2],
    ['a'.repeat(306), 2],
    ['a'.repeat(307), 3],
    ['€'.repeat(80), 1],
    ['a'.repeat(152) + '€' + 'a'.repeat(9), 2],
    ['ж'.repeat(70), 1],
    ['ж'.repeat(71), 2],
    ['🙂'.repeat(35), 1],
    ['ж'.repeat(66) + '🙂' + 'жжж', 2],
    ['“Your order” – No…'.repeat(8), 1],
  ])('%s take %d', (text, n) => {
    expect(segments(text)).toBe(n);
  });
});

describe('a way', () => {
  it('closes a day after the customer wrote', () => {
    const at = Date.parse('2026-03-02T12:00:00Z');
    expect(closed(way({}), at)).toBe(false);
    expect(closed(way({ window_s: 86400 }), at)).toBe(true);
    expect(closed(way({ window_s: 86400, window_until: '2026-03-02T12:00:01Z' }), at)).toBe(false);
    expect(closed(way({ window_s: 86400, window_until: '2026-03-02T12:00:00Z' }), at)).toBe(true);
    expect(closed(undefined, at)).toBe(false);
  });

  it('has room for so much', () => {
    const limits = { max_text: 3, files: true, max_file: 0, templates: false };
    expect(tooLong(way({ abilities: limits }), 'жжж')).toBe(false);
    expect(tooLong(way({ abilities: limits }), 'жжжж')).toBe(true);
    expect(tooLong(way({ channel: 'sms' }), 'ж'.repeat(671))).toBe(true);
  });
});

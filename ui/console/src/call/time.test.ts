import { describe, expect, it } from 'vitest';
import { since, span } from './time';

describe('a length of time', () => {
  it.each([
    [0, '0:00'],
    [7_900, '0:07'],
    [751_000, '12:31'],
    [3_729_000, '1:02:09'],
    [-500, '0:00'],
  ])('%d ms', (ms, text) => {
    expect(span(ms)).toBe(text);
  });

  it('is nothing before it began', () => {
    expect(since(null, 1000)).toBe('');
    expect(since('1970-01-01T00:00:01Z', 62_000)).toBe('1:01');
  });
});

import { describe, expect, it } from 'vitest';
import { placeOf } from './place';
import { snoozeTimes } from './snooze';
import { parse, pieces } from './text';

describe('the place in the inbox', () => {
  it('reads view, queue, search and order from the address', () => {
    const at = (view: string, search = '') => placeOf(view, '7', new URLSearchParams(search), 0);
    expect(at('mine')).toMatchObject({ view: 'mine', id: 7, query: { view: 'mine' } });
    expect(at('queue-5').query).toMatchObject({ view: 'open', queue_id: 5 });
    expect(at('nonsense').view).toBe('open');
    expect(at('open', 'q=x&sort=waiting&channel=email').query).toMatchObject({
      q: 'x',
      sort: 'waiting',
      channel: 'email',
    });
    expect(placeOf('open', 'abc', new URLSearchParams(), 3)).toMatchObject({
      id: undefined,
      query: { store_id: 3 },
    });
  });
});

describe('text', () => {
  it('links addresses and nothing else', () => {
    expect(pieces('See https://shop.example/a?b=1, or javascript:alert(1).')).toEqual([
      { text: 'See ' },
      { text: 'https://shop.example/a?b=1', href: 'https://shop.example/a?b=1' },
      { text: ', or javascript:alert(1).' },
    ]);
  });

  it('folds the quoted tail with the line that announces it', () => {
    const { body, quote } = parse('Thanks!\n\nOn Monday Olena wrote:\n> Hello\n> there');
    expect(body.map((p) => p.text).join('')).toBe('Thanks!');
    expect(quote).toBe('On Monday Olena wrote:\n> Hello\n> there');
  });

  it('keeps a text that is all quote, and a quote in the middle', () => {
    expect(parse('> a\n> b').quote).toBe('');
    expect(parse('> a\nanswer').quote).toBe('');
  });
});

describe('snoozing', () => {
  it('offers only what is still ahead', () => {
    const keys = (now: Date) => snoozeTimes(now).map((x) => x.key);
    expect(keys(new Date(2026, 0, 7, 10))).toEqual(['hour', 'evening', 'tomorrow', 'three_days', 'monday']);
    expect(keys(new Date(2026, 0, 7, 19))).not.toContain('evening');
    expect(keys(new Date(2026, 0, 4, 10))).not.toContain('monday'); // on Sunday, Monday is tomorrow
    const late = new Date(2026, 2, 28, 23);
    for (const { at } of snoozeTimes(late)) expect(at.getTime()).toBeGreaterThan(late.getTime());
  });
});

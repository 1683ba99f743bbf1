import { describe, expect, it } from 'vitest';
import { differ, spot } from './lines';

describe('differ', () => {
  it('says which lines each side has alone', () => {
    expect(differ('a\nb\nc', 'a\nx\nc').map((l) => l.sign + l.text)).toEqual([' a', '-b', '+x', ' c']);
    expect(differ('', 'a').map((l) => l.sign + l.text)).toEqual(['-', '+a']);
    expect(differ('a\nb', 'a\nb').every((l) => l.sign === ' ')).toBe(true);
  });
});

describe('spot', () => {
  it('finds a place by line and column, whatever the letters take', () => {
    const text = 'Привіт 😀,\n{{ order.nomer }}';
    expect(spot(text, 2, 4)).toEqual({ at: text.indexOf('order'), length: 'order.nomer'.length });
    expect(spot(text, 1, 9)).toEqual({ at: text.indexOf(','), length: 1 });
    expect(spot('x', 5, 1)).toEqual({ at: 1, length: 0 });
  });
});

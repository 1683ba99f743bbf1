import { describe, expect, it } from 'vitest';
import { countriesOf, moved, prefixOf } from './outgoing';

const all = [
  { code: 'PL', prefix: '+48' },
  { code: 'RU', prefix: '+7' },
  { code: 'KZ', prefix: '+7' },
  { code: 'UA', prefix: '+380' },
];

describe('the beginning of a number', () => {
  it.each([
    ['+48', '+48'],
    ['48', '+48'],
    ['0048', '+48'],
    ['+380 (44)', '+38044'],
    ['Польща', undefined],
    ['+', undefined],
    ['+0', undefined],
  ])('%s is %s', (text, is) => expect(prefixOf(text)).toBe(is));

  it('belongs to every country that shares it, and to the one that it lies in', () => {
    const codes = (p: string) => countriesOf(p, all).map((c) => c.code);
    expect(codes('+7')).toEqual(['RU', 'KZ']);
    expect(codes('+38044')).toEqual(['UA']);
    expect(codes('+999')).toEqual([]);
  });
});

describe('an order', () => {
  it('moves by one place, and not beyond its ends', () => {
    expect(moved([1, 2, 3], 2, -1)).toEqual([1, 3, 2]);
    expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3]);
    expect(moved([1, 2], 0, -1)).toEqual([1, 2]);
    expect(moved([1, 2], 1, 1)).toEqual([1, 2]);
  });
});

import { expect, test } from 'vitest';
import { parseAmount, partOf, plainAmount } from './refund';

const uah = (amount: number) => ({ amount, currency: 'UAH' });

test('amounts are read as people write them', () => {
  for (const [text, units] of [
    ['1249.90', 124990],
    ['1 249,9', 124990],
    ['80', 8000],
    ['0,05', 5],
  ] as const)
    expect(parseAmount(text, 'UAH')).toBe(units);
  for (const text of ['', '-5', '1.999', 'десять', '1,2,3', '1e3'])
    expect(parseAmount(text, 'UAH')).toBeUndefined();
  expect(parseAmount('500', 'JPY')).toBe(500);
  expect(parseAmount('500.5', 'JPY')).toBeUndefined();
  expect(plainAmount(uah(124990))).toBe('1249.90');
});

test('parts of a line are rounded as the server does', () => {
  expect(partOf({ quantity: 3, total: uah(1000) }, 2)).toBe(667);
  expect(partOf({ quantity: 2, total: uah(5) }, 1)).toBe(3);
  expect(partOf({ quantity: 3, total: uah(1000) }, 3)).toBe(1000);
});

import { expect, test } from 'vitest';
import { holes, places, slashAt } from './places';

test('open places are found, other braces are text', () => {
  expect(holes('{order.tracking}, {x} і {customer.first_name}').map((h) => h.text)).toEqual([
    '{order.tracking}',
    '{customer.first_name}',
  ]);
  expect(places('ТТН {order.tracking}!')).toEqual([
    { text: 'ТТН ', hole: false },
    { text: '{order.tracking}', hole: true },
    { text: '!', hole: false },
  ]);
  expect(places('')).toEqual([]);
});

test('a slash that begins a word opens the saved replies', () => {
  expect(slashAt('/', 1)).toEqual({ at: 0, query: '' });
  expect(slashAt('Вітаю /дост', 11)).toEqual({ at: 6, query: 'дост' });
  expect(slashAt('рядок\n/a b', 8)).toEqual({ at: 6, query: 'a' });
  for (const text of ['https://x', 'і/або', '/a b', '']) expect(slashAt(text, text.length)).toBeUndefined();
});

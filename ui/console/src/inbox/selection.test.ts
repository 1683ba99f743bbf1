import { expect, test } from 'vitest';
import { forEach } from './bulk';
import { Selection } from './selection.svelte';

test('a range goes from the one chosen last, both ways', () => {
  const s = new Selection();
  const list = [5, 4, 3, 2, 1];
  s.toggle(2);
  s.range(4, list);
  expect([...s.ids].sort()).toEqual([2, 3, 4]);
  expect(s.choosing).toBe(true);
  s.toggle(3);
  expect([...s.ids].sort()).toEqual([2, 4]);
  s.range(9, list); // it has left the list meanwhile
  expect(s.ids.has(9)).toBe(true);
  s.clear();
  expect(s.ids.size).toBe(0);
  s.range(3, list);
  expect([...s.ids]).toEqual([3]);
});

test('all are tried, a few at a time, and failures are told', async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  const { failed } = await forEach([1, 2, 3, 4, 5, 6, 7, 8, 9], async (n) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    if (n % 4 === 0) throw new Error(String(n));
    done.push(n);
  });
  expect(done.sort()).toEqual([1, 2, 3, 5, 6, 7, 9]);
  expect(failed).toHaveLength(2);
  expect(most).toBe(4);
});

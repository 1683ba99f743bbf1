import { flushSync } from 'svelte';
import { describe, expect, it } from 'vitest';
import { commands } from './commands.svelte';

const one = (id: string, label: string) => [{ id, group: 'app' as const, label, run: () => {} }];

describe('offers', () => {
  it('are all there after several of them changed in one round', () => {
    let n = $state(0);
    const end = $effect.root(() => {
      for (const id of ['a', 'b', 'c']) $effect(() => commands.offer(one(id, `${id}${n}`)));
    });
    flushSync();
    n = 1;
    flushSync();
    expect(commands.all.map((c) => c.label)).toEqual(['a1', 'b1', 'c1']);
    end();
    expect(commands.all).toEqual([]);
  });
});

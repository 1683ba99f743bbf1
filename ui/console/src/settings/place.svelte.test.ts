import { flushSync } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { hearPresence, renew, session, signIn } from '$lib/app/session.svelte';
import { place } from './place.svelte';

const me = () => ({
  agent: { id: 5, name: 'Olena', email: 'o@shop.test', language: 'en', theme: 'light', keymap: {} },
  presence: { state: 'ready', since_at: '2026-03-02T10:00:00Z' },
  permissions: ['settings.manage'],
  stores: [{ id: 7, name: 'Shop', slug: 'shop' }],
  csrf_token: 'x',
});

vi.mock('$lib/api', async (original) => {
  const api = await original<typeof import('$lib/api')>();
  return { ...api, session: { ...api.session, signIn: async () => me(), me: async () => me() } };
});

describe('the store that settings are about', () => {
  it('is no news when the agent’s presence changes: forms would lose what is being written', async () => {
    await signIn('o@shop.test', 'x');
    const seen: number[] = [];
    const allowed: boolean[] = [];
    const end = $effect.root(() => {
      $effect(() => void seen.push(place.store));
      $effect(() => void allowed.push(session.can('settings.manage')));
    });
    flushSync();
    hearPresence(5, 'away');
    flushSync();
    expect(session.me.presence.state).toBe('away');
    expect(allowed).toEqual([true]);
    await renew();
    flushSync();
    expect(seen).toEqual([7]);
    end();
  });
});

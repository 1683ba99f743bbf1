// Which store the settings on the screen are about.
import type { Id } from '$lib/api';
import { session } from '$lib/app/session.svelte';
import { leaving } from './draft.svelte';

let chosen = $state<Id>(0);
const store = $derived(session.store(chosen || session.storeId)?.id ?? session.stores[0]?.id ?? 0);

export const place = {
  get store(): Id {
    return store;
  },
  choose(id: Id): void {
    leaving(() => (chosen = id));
  },
};

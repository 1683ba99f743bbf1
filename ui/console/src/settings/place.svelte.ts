// Which store the settings on the screen are about.
import type { Id } from '$lib/api';
import { session } from '$lib/app/session.svelte';
import { leaving } from './draft.svelte';

let chosen = $state<Id>(0);

export const place = {
  get store(): Id {
    const wanted = chosen || session.storeId;
    return session.store(wanted)?.id ?? session.stores[0]?.id ?? 0;
  },
  choose(id: Id): void {
    leaving(() => (chosen = id));
  },
};

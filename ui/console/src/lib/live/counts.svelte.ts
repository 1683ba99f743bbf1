// The numbers beside the views. The server says when they changed; they are asked for at most twice a second.
import { inbox, type Counts, type ViewKey } from '$lib/api';
import { session } from '$lib/app/session.svelte';

let current = $state.raw<Counts>({ views: [], queues: [] });
let timer: ReturnType<typeof setTimeout> | undefined;
let turn = 0;

export const counts = {
  of(view: ViewKey): number | undefined {
    return current.views.find((v) => v.key === view)?.count;
  },
  get queues(): Counts['queues'] {
    return current.queues;
  },
  async fetch(): Promise<void> {
    const mine = ++turn;
    try {
      const fetched = await inbox.counts(session.storeId);
      if (mine === turn) current = fetched;
    } catch {
      // the old numbers stay until the next news
    }
  },
  soon(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      void counts.fetch();
    }, 500);
  },
};

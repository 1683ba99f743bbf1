// The names of telephone queues, fetched when one is first asked for.
import type { Id } from '$lib/api';
import { calls } from './api';

let names = $state.raw<Record<Id, string>>({});
const asked = new Set<Id>();

export function queueName(store: Id, id: Id): string | undefined {
  if (!asked.has(store)) {
    asked.add(store);
    calls.queues(store).then(
      (page) => (names = { ...names, ...Object.fromEntries(page.items.map((q) => [q.id, q.name])) }),
      () => asked.delete(store),
    );
  }
  return names[id];
}

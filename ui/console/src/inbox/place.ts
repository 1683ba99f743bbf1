// Where in the inbox the agent is, read from the address: view or queue, search, order, channel, conversation.
import type { Id, ViewKey } from '$lib/api';
import { href, router } from '$lib/app/router.svelte';
import type { ListQuery } from '$lib/live/conversations.svelte';

export const viewKeys: ViewKey[] = ['open', 'mine', 'unassigned', 'pending', 'snoozed', 'resolved', 'all'];
export const sorts = ['latest', 'oldest', 'waiting', 'due'] as const;
export type Sort = (typeof sorts)[number];

export interface InboxPlace {
  view: string;
  id: Id | undefined;
  query: ListQuery;
}

/** A queue is a view named "queue-5": its open conversations. */
export function placeOf(
  view: string,
  id: string | undefined,
  search: URLSearchParams,
  storeId: Id,
): InboxPlace {
  const queue = /^queue-(\d+)$/.exec(view);
  const key = viewKeys.find((k) => k === view) ?? 'open';
  // What was put aside: conversations that are closed and say so.
  const spam = view === 'spam';
  const sort = sorts.find((s) => s === search.get('sort'));
  return {
    view: queue || spam ? view : key,
    id: id && /^\d+$/.test(id) ? Number(id) : undefined,
    query: {
      view: queue ? 'open' : spam ? 'resolved' : key,
      queue_id: queue ? Number(queue[1]) : undefined,
      store_id: storeId || undefined,
      q: search.get('q')?.trim() || undefined,
      channel: search.get('channel') ?? undefined,
      tag: spam ? 'spam' : (search.get('tag') ?? undefined),
      topic: search.get('topic') ?? undefined,
      sort: sort === 'latest' ? undefined : sort,
    },
  };
}

/** The address of the same list with something changed: another conversation, a search, an order. */
export function inboxHref(change: {
  view?: string;
  id?: Id | null;
  q?: string;
  sort?: string;
  channel?: string;
  tag?: string;
  topic?: string;
}): string {
  const now = router.query;
  const kept = (name: 'q' | 'sort' | 'channel' | 'tag' | 'topic') =>
    change[name] ?? now.get(name) ?? undefined;
  const otherView = change.view !== undefined && change.view !== router.params.view;
  const id = change.id === undefined ? router.params.id : (change.id ?? undefined);
  return href(
    'inbox',
    { view: change.view ?? router.params.view ?? 'open', id },
    otherView
      ? { sort: kept('sort') }
      : {
          q: kept('q'),
          sort: kept('sort'),
          channel: kept('channel'),
          tag: kept('tag'),
          topic: kept('topic'),
        },
  );
}

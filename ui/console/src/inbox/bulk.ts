// One act on many conversations: shown at once, four requests at a time, one word about it all and one way back.
import { inbox, type ConversationRow, type Id } from '$lib/api';
import { explain, toast } from '$lib/app/toasts.svelte';
import { t } from '$lib/i18n/index.svelte';
import { rows, type ConversationList } from '$lib/live/conversations.svelte';
import { counts } from '$lib/live/counts.svelte';

type Call = (row: ConversationRow) => Promise<ConversationRow | void>;
const atOnce = 4;

/** Runs a call for each; returns those that it worked for and why it didn't for the last of the others. */
export async function forEach<V>(
  items: V[],
  run: (item: V) => Promise<void>,
): Promise<{ failed: unknown[] }> {
  const waiting = [...items];
  const failed: unknown[] = [];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      try {
        await run(item);
      } catch (cause) {
        failed.push(cause);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return { failed };
}

async function all(
  befores: ConversationRow[],
  part: (row: ConversationRow) => Partial<ConversationRow>,
  call: Call,
) {
  const done: ConversationRow[] = [];
  const { failed } = await forEach(befores, async (before) => {
    const back = rows.guess(before.id, part(before));
    try {
      const row = await call(before);
      if (row && 'version' in row) rows.put(row);
      done.push(before);
    } catch (cause) {
      back();
      throw cause;
    }
  });
  counts.soon();
  return { done, failed };
}

async function act(
  ids: Id[],
  list: ConversationList,
  part: (row: ConversationRow) => Partial<ConversationRow>,
  call: Call,
  back: Call,
  said: (n: number) => string,
  leaves = false,
): Promise<void> {
  const befores = ids.map(rows.get).filter((row) => row !== undefined);
  const putBack = leaves ? befores.map((row) => list.remove(row.id)).reverse() : [];
  const { done, failed } = await all(befores, part, call);
  if (failed.length > 0) {
    putBack.forEach((run) => run());
    toast(t('bulk.failed', { n: failed.length, reason: explain(failed[0]) }), { tone: 'bad' });
  }
  if (done.length === 0) return;
  toast(said(done.length), {
    undo: () => {
      putBack.forEach((run) => run());
      void all(done, (row) => row, back).then(
        (undone) =>
          undone.failed.length &&
          toast(t('bulk.failed', { n: undone.failed.length, reason: explain(undone.failed[0]) }), {
            tone: 'bad',
          }),
      );
    },
  });
}

const restore: Call = (row) => {
  if (row.status === 'resolved') return inbox.resolve(row.id);
  if (row.status === 'pending') return inbox.pending(row.id);
  if (row.status === 'snoozed' && row.snoozed_until) return inbox.snooze(row.id, row.snoozed_until);
  return inbox.reopen(row.id);
};

export function setStatus(ids: Id[], list: ConversationList, status: 'open' | 'pending' | 'resolved') {
  const calls = { open: inbox.reopen, pending: inbox.pending, resolved: inbox.resolve };
  const leaves = list.query.view !== 'all' && list.query.view !== status;
  return act(
    ids,
    list,
    () => ({ status, snoozed_until: null }),
    (row) => calls[status](row.id),
    restore,
    (n) => t(`bulk.done.${status}`, { n }),
    leaves,
  );
}

export function assignAll(ids: Id[], list: ConversationList, agent: { id: Id; name: string } | null) {
  return act(
    ids,
    list,
    () => ({ assignee: agent }),
    (row) => inbox.assign(row.id, { agent_id: agent?.id ?? null }),
    (row) => inbox.assign(row.id, { agent_id: row.assignee?.id ?? null }),
    (n) => (agent ? t('bulk.done.assigned', { n, name: agent.name }) : t('bulk.done.unassigned', { n })),
  );
}

export function tagAll(ids: Id[], list: ConversationList, tag: string) {
  const having = ids.filter((id) => !rows.get(id)?.tags.includes(tag));
  return act(
    having,
    list,
    (row) => ({ tags: [...row.tags, tag] }),
    (row) => inbox.tag(row.id, [...row.tags, tag]),
    (row) => inbox.tag(row.id, row.tags),
    (n) => t('bulk.done.tagged', { n, tag }),
  );
}

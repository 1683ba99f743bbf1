// What an agent does to a conversation. Each act shows at once, is undone when the server refuses, and offers the way
// back where there is one.
import { inbox, type ConversationRow, type Id } from '$lib/api';
import { go } from '$lib/app/router.svelte';
import { screen } from '$lib/app/screen.svelte';
import { session } from '$lib/app/session.svelte';
import { toast, toastFailure } from '$lib/app/toasts.svelte';
import { moment } from '$lib/format.svelte';
import { t } from '$lib/i18n/index.svelte';
import { rows, type ConversationList } from '$lib/live/conversations.svelte';
import { counts } from '$lib/live/counts.svelte';
import { directory } from '$lib/live/directory.svelte';
import { inboxHref } from './place';

type Change = Partial<ConversationRow>;

async function act(id: Id, part: Change, call: () => Promise<ConversationRow | void>): Promise<boolean> {
  const back = rows.guess(id, part);
  try {
    const row = await call();
    if (row && 'version' in row) rows.put(row);
    counts.soon();
    return true;
  } catch (cause) {
    back();
    toastFailure(cause);
    return false;
  }
}

/** Leaves the conversation for its neighbour in the list, and takes it out of the list when it no longer belongs. */
export function leave(id: Id, list: ConversationList, staysIn: boolean): () => void {
  const next = list.neighbour(id);
  const putBack = staysIn ? () => {} : list.remove(id);
  go(inboxHref({ id: screen.phone ? null : (next ?? null) }));
  return () => {
    putBack();
    go(inboxHref({ id }));
  };
}

export async function resolve(id: Id, list: ConversationList): Promise<void> {
  const back = leave(id, list, list.query.view === 'all' || list.query.view === 'resolved');
  const done = act(id, { status: 'resolved', waiting_since_at: null }, () => inbox.resolve(id));
  toast(t('done.resolved'), {
    undo: () => {
      back();
      void done.then((ok) => ok && act(id, { status: 'open' }, () => inbox.reopen(id)));
    },
  });
  if (!(await done)) back();
}

export async function reopen(id: Id): Promise<void> {
  if (await act(id, { status: 'open', snoozed_until: null }, () => inbox.reopen(id)))
    toast(t('done.reopened'), { undo: () => void act(id, { status: 'resolved' }, () => inbox.resolve(id)) });
}

export async function setPending(id: Id): Promise<void> {
  if (await act(id, { status: 'pending' }, () => inbox.pending(id)))
    toast(t('done.pending'), { undo: () => void act(id, { status: 'open' }, () => inbox.reopen(id)) });
}

export async function snooze(id: Id, until: Date, list: ConversationList): Promise<void> {
  const at = until.toISOString();
  const back = leave(id, list, list.query.view === 'all' || list.query.view === 'snoozed');
  const done = act(id, { status: 'snoozed', snoozed_until: at }, () => inbox.snooze(id, at));
  toast(t('done.snoozed', { time: moment(at) }), {
    undo: () => {
      back();
      void done.then((ok) => ok && act(id, { status: 'open', snoozed_until: null }, () => inbox.reopen(id)));
    },
  });
  if (!(await done)) back();
}

/** Puts a letter among spam, and leaves it for the next one. */
export async function junk(id: Id, list: ConversationList): Promise<void> {
  const back = leave(id, list, list.query.view === 'all' || list.query.view === 'resolved');
  const before = rows.get(id)?.tags ?? [];
  const done = act(id, { status: 'resolved', tags: [...before, 'spam'] }, () => inbox.junk(id));
  toast(t('letter.junked'), {
    undo: () => {
      back();
      void done.then((ok) => ok && void rescue(id, true));
    },
  });
  if (!(await done)) back();
}

/** Takes out what was put aside: it waits for an answer. */
export async function rescue(id: Id, quiet = false): Promise<void> {
  const tags = (rows.get(id)?.tags ?? []).filter((x) => x !== 'spam' && x !== 'automatic');
  const spam = rows.get(id)?.tags.includes('spam');
  if ((await act(id, { status: 'open', tags }, () => inbox.rescue(id))) && spam && !quiet)
    toast(t('letter.rescued'));
}

/** Gives the conversation to an agent, or to nobody. */
export async function assign(id: Id, agentId: Id | null): Promise<void> {
  const before = rows.get(id)?.assignee ?? null;
  const agent = agentId === null ? null : personOf(agentId);
  const ok = await act(id, { assignee: agent }, () => inbox.assign(id, { agent_id: agentId }));
  if (!ok) return;
  toast(agent ? t('done.assigned', { name: agent.name }) : t('done.unassigned'), {
    undo: () => void act(id, { assignee: before }, () => inbox.assign(id, { agent_id: before?.id ?? null })),
  });
}

export async function handTo(id: Id, to: { team_id?: Id; queue_id?: Id }, name: string): Promise<void> {
  const before = rows.get(id);
  const part: Change = { assignee: null, ...to };
  if (!(await act(id, part, () => inbox.assign(id, { agent_id: null, ...to })))) return;
  toast(t('done.assigned', { name }), {
    undo: () => {
      if (!before) return;
      const { assignee, team_id, queue_id } = before;
      void act(id, { assignee, team_id, queue_id }, () =>
        inbox.assign(id, { agent_id: assignee?.id ?? null, team_id, queue_id }),
      );
    },
  });
}

export const setTags = (id: Id, tags: string[]) => act(id, { tags }, () => inbox.tag(id, tags));
export const setTopic = (id: Id, topic: string) => act(id, { topic }, () => inbox.setTopic(id, topic));

function personOf(id: Id): { id: Id; name: string } {
  if (id === session.me.agent.id) return { id, name: session.me.agent.name };
  return { id, name: directory.agents.find((a) => a.id === id)?.name ?? '' };
}

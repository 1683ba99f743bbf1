import { afterEach, describe, expect, it } from 'vitest';
import { belongs, inboxLists, rows } from './conversations.svelte';
import { row, serve } from './sample';

const me = 11;
afterEach(() => inboxLists.forget());

describe('rows', () => {
  it('ignore older news', () => {
    rows.put(row(1, { version: 3, subject: 'new' }));
    rows.put(row(1, { version: 2, subject: 'old' }));
    expect(rows.get(1)!.subject).toBe('new');
  });

  it('take a guess back, unless the server has spoken since', () => {
    rows.put(row(1));
    const back = rows.guess(1, { status: 'resolved' });
    expect(rows.get(1)!.status).toBe('resolved');
    back();
    expect(rows.get(1)!.status).toBe('open');

    const late = rows.guess(1, { status: 'resolved' });
    rows.put(row(1, { version: 2, status: 'snoozed' }));
    late();
    expect(rows.get(1)!.status).toBe('snoozed');
  });
});

describe('belonging', () => {
  it.each([
    ['open', {}, {}, true],
    ['open', { status: 'resolved' }, {}, false],
    ['mine', { assignee: { id: me, name: '' } }, {}, true],
    ['mine', {}, {}, false],
    ['unassigned', {}, {}, true],
    ['all', { status: 'resolved' }, {}, true],
    ['open', { queue_id: 2 }, { queue_id: 1 }, false],
    ['open', { store_id: 2 }, { store_id: 1 }, false],
    ['open', {}, { q: 'x' }, false],
  ] as const)('%s %o in %o: %s', (view, part, query, wanted) => {
    expect(belongs(row(1, part as object), { view, ...query }, me)).toBe(wanted);
  });
});

describe('a list', () => {
  const server = (ids: number[], next = '') =>
    serve({ 'GET /conversations': () => ({ items: ids.map((id) => row(id)), next }) });

  it('keeps its rows where they are: what is new waits in the pill', async () => {
    server([1, 2, 3]);
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    inboxLists.hear(row(9));
    inboxLists.hear(row(2, { version: 2, unread: 4 }));
    expect(list.ids).toEqual([1, 2, 3]);
    expect(list.fresh).toEqual([9]);
    expect(rows.get(2)!.unread).toBe(4);
    inboxLists.hear(row(9, { version: 2, status: 'resolved' }));
    expect(list.fresh).toEqual([]);
  });

  it('does not let a row vanish that another agent closed', async () => {
    server([1, 2]);
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    inboxLists.hear(row(1, { version: 2, status: 'resolved' }));
    expect(list.ids).toEqual([1, 2]);
  });

  it('shows what comes first into an empty one', async () => {
    server([]);
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    inboxLists.hear(row(5));
    expect(list.ids).toEqual([5]);
  });

  it('goes on to the next one when one is closed, and puts it back', async () => {
    server([1, 2, 3]);
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    expect(list.neighbour(2)).toBe(3);
    expect(list.neighbour(3)).toBe(2);
    const back = list.remove(2);
    expect(list.ids).toEqual([1, 3]);
    back();
    expect(list.ids).toEqual([1, 2, 3]);
  });

  it('adds the next page without doubling', async () => {
    server([1, 2], 'more');
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    server([2, 3]);
    await list.more();
    expect(list.ids).toEqual([1, 2, 3]);
    expect(list.hasMore).toBe(false);
  });

  it('catches up after a break', async () => {
    server([1, 2]);
    const list = inboxLists.of({ view: 'open' }, me);
    await list.refresh();
    server([7, 1, 2]);
    await list.catchUp();
    expect(list.ids).toEqual([1, 2]);
    expect(list.fresh).toEqual([7]);
  });
});

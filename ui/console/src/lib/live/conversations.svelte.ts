// Every conversation row that this browser knows, once. Lists hold ids; a row changes in place wherever it shows.
import { SvelteMap } from 'svelte/reactivity';
import { inbox, type ConversationQuery, type ConversationRow, type Id, type ViewKey } from '$lib/api';

const known = new SvelteMap<Id, ConversationRow>();

export const rows = {
  get(id: Id): ConversationRow | undefined {
    return known.get(id);
  },
  /** Takes a row from the server unless a newer one is known. */
  put(row: ConversationRow): void {
    const old = known.get(row.id);
    if (old && old.version > row.version) return;
    known.set(row.id, row);
  },
  /** Shows a change before the server confirmed it. Returns the way back, which yields to newer news. */
  guess(id: Id, part: Partial<ConversationRow>): () => void {
    const before = known.get(id);
    if (!before) return () => {};
    const guessed = { ...before, ...part };
    known.set(id, guessed);
    return () => {
      const now = known.get(id);
      if (now && now.version === before.version) {
        const back: Record<string, unknown> = { ...now };
        for (const key of Object.keys(part)) back[key] = before[key as keyof ConversationRow];
        known.set(id, back as unknown as ConversationRow);
      }
    };
  },
};

export interface ListQuery extends Omit<ConversationQuery, 'cursor' | 'limit' | 'view'> {
  view: ViewKey;
}

/** Whether a row belongs to a list by what the row itself shows; a search can only be judged by the server. */
export function belongs(row: ConversationRow, query: ListQuery, me: Id): boolean {
  if (query.q) return false;
  if (query.tag && !row.tags.includes(query.tag)) return false;
  if (query.topic && row.topic !== query.topic) return false;
  if (query.store_id && row.store_id !== query.store_id) return false;
  if (query.queue_id && row.queue_id !== query.queue_id) return false;
  if (query.channel && row.channel !== query.channel) return false;
  switch (query.view) {
    case 'all':
      return true;
    case 'mine':
      return row.assignee?.id === me && row.status === 'open';
    case 'unassigned':
      return !row.assignee && row.status === 'open';
    default:
      return row.status === query.view;
  }
}

const pageSize = 50;

/** One list of the inbox. It keeps its rows, its place and its scroll, so that Back finds it as it was. */
export class ConversationList {
  ids = $state.raw<Id[]>([]);
  /** Conversations that came since: shown by the pill, so that no row moves under the cursor. */
  fresh = $state.raw<Id[]>([]);
  loading = $state(false);
  loaded = $state(false);
  failed = $state.raw<unknown>();
  scroll = 0;
  private next = '';
  private turn = 0;

  constructor(
    readonly query: ListQuery,
    private me: Id,
  ) {}

  get hasMore(): boolean {
    return this.next !== '';
  }

  /** Fetches the first page anew: at the start, by the pill, after a break. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    this.loading = true;
    try {
      const page = await inbox.list({ ...this.query, limit: pageSize });
      if (turn !== this.turn) return;
      page.items.forEach(rows.put);
      this.ids = page.items.map((r) => r.id);
      this.next = page.next;
      this.fresh = [];
      this.failed = undefined;
      this.loaded = true;
    } catch (cause) {
      if (turn === this.turn) this.failed = cause;
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }

  async more(): Promise<void> {
    if (!this.next || this.loading) return;
    const turn = ++this.turn;
    this.loading = true;
    try {
      const page = await inbox.list({ ...this.query, cursor: this.next, limit: pageSize });
      if (turn !== this.turn) return;
      page.items.forEach(rows.put);
      const have = new Set(this.ids);
      this.ids = [...this.ids, ...page.items.map((r) => r.id).filter((id) => !have.has(id))];
      this.next = page.next;
    } catch {
      // the rows in view stay; scrolling asks again
    } finally {
      if (turn === this.turn) this.loading = false;
    }
  }

  /** After a break: what is on the screen stays where it is, what is new goes to the pill. */
  async catchUp(): Promise<void> {
    if (!this.loaded) return this.refresh();
    try {
      const page = await inbox.list({ ...this.query, limit: pageSize });
      page.items.forEach(rows.put);
      const have = new Set([...this.ids, ...this.fresh]);
      const news = page.items.map((r) => r.id).filter((id) => !have.has(id));
      if (news.length) this.arrive(news);
    } catch {
      // the next reconnect catches up
    }
  }

  /** News about a row: one that starts to belong here waits in the pill. */
  hear(row: ConversationRow): void {
    if (!this.loaded) return;
    const here = this.ids.includes(row.id);
    const fits = belongs(row, this.query, this.me);
    if (!here && fits && !this.fresh.includes(row.id)) this.arrive([row.id]);
    else if (!fits && this.fresh.includes(row.id)) this.fresh = this.fresh.filter((id) => id !== row.id);
  }

  private arrive(ids: Id[]): void {
    if (this.ids.length === 0) this.ids = ids;
    else this.fresh = [...ids, ...this.fresh];
  }

  /** Takes a row out after the agent's own act. Returns the way back. */
  remove(id: Id): () => void {
    const at = this.ids.indexOf(id);
    if (at < 0) return () => {};
    this.ids = this.ids.toSpliced(at, 1);
    return () => {
      if (!this.ids.includes(id)) this.ids = this.ids.toSpliced(at, 0, id);
    };
  }

  /** The neighbour to go to when a conversation leaves the list: the next one, or the one before at the end. */
  neighbour(id: Id): Id | undefined {
    const at = this.ids.indexOf(id);
    if (at < 0) return this.ids[0];
    return this.ids[at + 1] ?? this.ids[at - 1];
  }
}

const lists = new Map<string, ConversationList>();

export const inboxLists = {
  of(query: ListQuery, me: Id): ConversationList {
    const key = JSON.stringify(
      Object.entries(query)
        .filter(([, v]) => v)
        .sort(),
    );
    let list = lists.get(key);
    if (!list) lists.set(key, (list = new ConversationList(query, me)));
    return list;
  },
  hear(row: ConversationRow): void {
    rows.put(row);
    const current = rows.get(row.id)!;
    for (const list of lists.values()) list.hear(current);
  },
  /** The given list is on the screen; the others fetch again when they are next looked at. */
  catchUp(shown: ConversationList | undefined): void {
    for (const list of lists.values()) {
      if (list === shown) void list.catchUp();
      else list.loaded = false;
    }
  },
  forget(): void {
    lists.clear();
    known.clear();
  },
};

// The conversations that were opened: their messages by sequence, who is typing, how far each side has read.
import { SvelteMap } from 'svelte/reactivity';
import {
  inbox,
  type Attachment,
  type ConversationDetail,
  type Draft,
  type Id,
  type Message,
  type Named,
} from '$lib/api';
import { rows } from './conversations.svelte';

const typingMs = 8000;
const kept = 40;

export interface LetterDraft {
  to: string[];
  cc: string[];
  bcc: string[];
  /** Empty: that of the answered letter. */
  subject: string;
  /** The message that is passed on; 0: none. */
  forward: Id;
}

export class Thread {
  detail = $state.raw<ConversationDetail | null>(null);
  messages = $state.raw<Message[]>([]);
  hasMore = $state(false);
  loading = $state(false);
  failed = $state.raw<unknown>();
  viewers = $state.raw<Named[]>([]);
  /** Names of those who are typing; the visitor's is the customer's. */
  typing = $state.raw<{ who: 'visitor' | 'agent'; name: string }[]>([]);
  readByCustomer = $state(0);
  /** What the agent is writing here: outlives leaving the conversation. */
  draft = $state<{
    reply: string;
    note: string;
    mode: 'reply' | 'note';
    files: Attachment[];
    /** To whom the letter that is written goes; undefined: as the server proposes. */
    letter?: LetterDraft;
  }>({
    reply: '',
    note: '',
    mode: 'reply',
    files: [],
  });
  /** Where it was left: the first message shown, the first one seen, and how much of that was above. */
  scroll: { oldest: number; seq: number; by: number } | undefined;
  private draftTouched = false;
  private draftTimer: ReturnType<typeof setTimeout> | undefined;
  private typingTimers = new Map<string, ReturnType<typeof setTimeout>>();
  private readSent = 0;
  private wentTyping = 0;
  private pending: Promise<void> | undefined;

  constructor(readonly id: Id) {}

  get lastSeq(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  /** Shows what is known at once and fetches what is missing behind it. */
  load(): Promise<void> {
    this.pending ??= this.fetch().finally(() => (this.pending = undefined));
    return this.pending;
  }

  /** Fetches the messages of a neighbour before it is opened; unlike opening, colleagues do not see it as looking. */
  async peek(): Promise<void> {
    try {
      const page = await inbox.messages(this.id, { limit: 50 });
      if (this.messages.length > 0) return;
      this.messages = page.items;
      this.hasMore = page.has_more;
    } catch {
      // opening it asks again
    }
  }

  private async fetch(): Promise<void> {
    this.loading = true;
    try {
      const page = await inbox.open(this.id);
      rows.put(page.conversation);
      this.detail = page.conversation;
      this.readByCustomer = Math.max(this.readByCustomer, page.conversation.read_seq_customer);
      // Older pages that are already here stay, unless there is a hole before the new ones.
      const first = page.messages[0]?.seq ?? 0;
      const joined = this.messages.length > 0 && this.lastSeq >= first - 1;
      this.hasMore = joined ? this.hasMore : page.has_more;
      this.messages = merge(joined ? this.messages : [], page.messages);
      this.viewers = page.viewers;
      this.takeDraft(page.draft);
      this.failed = undefined;
    } catch (cause) {
      this.failed = cause;
    } finally {
      this.loading = false;
    }
  }

  async older(): Promise<void> {
    const first = this.messages[0];
    if (!first || !this.hasMore || this.loading) return;
    this.loading = true;
    try {
      const page = await inbox.messages(this.id, { before_seq: first.seq, limit: 50 });
      this.messages = merge(this.messages, page.items);
      this.hasMore = page.has_more;
    } catch {
      // scrolling up asks again
    } finally {
      this.loading = false;
    }
  }

  /** Fetches what came after the last message here: after a break, or when a sequence number was skipped. */
  async catchUp(): Promise<void> {
    if (!this.detail) return this.load();
    try {
      for (;;) {
        const page = await inbox.messages(this.id, { after_seq: this.lastSeq, limit: 100 });
        this.messages = merge(this.messages, page.items);
        if (!page.has_more) return;
      }
    } catch {
      // the next reconnect or message catches up
    }
  }

  hear(message: Message): void {
    const known = this.messages.some((m) => m.id === message.id);
    if (!known && this.detail && message.seq > this.lastSeq + 1) void this.catchUp();
    this.messages = merge(this.messages, [message]);
    if (message.from === 'customer') this.hearTyping('visitor', '', false);
    if (message.from === 'agent' && message.author) this.hearTyping('agent', message.author.name, false);
  }

  hearTyping(who: 'visitor' | 'agent', name: string, on: boolean): void {
    const key = who === 'visitor' ? who : who + name;
    clearTimeout(this.typingTimers.get(key));
    const others = this.typing.filter((x) =>
      who === 'visitor' ? x.who !== who : x.who !== who || x.name !== name,
    );
    this.typing = on ? [...others, { who, name }] : others;
    if (on)
      this.typingTimers.set(
        key,
        setTimeout(() => this.hearTyping(who, name, false), typingMs),
      );
  }

  hearViewers(viewers: Named[]): void {
    this.viewers = viewers;
  }

  hearVisitor(online: boolean, page: { url?: string; title?: string } = {}): void {
    if (!this.detail) return;
    const before = this.detail.visitor ?? { page_title: '', page_url: '', user_agent: '', language: '' };
    const where = page.url ? { page_url: page.url, page_title: page.title ?? '' } : {};
    this.detail = { ...this.detail, visitor: { ...before, ...where, online } };
  }

  hearRead(by: 'visitor' | 'agent', seq: number): void {
    if (by === 'visitor') this.readByCustomer = Math.max(this.readByCustomer, seq);
  }

  /** The agent has seen everything that is here. */
  markRead(): void {
    const seq = this.lastSeq;
    const row = rows.get(this.id);
    if (!row || seq <= this.readSent || (row.unread === 0 && this.readSent > 0)) return;
    this.readSent = seq;
    rows.guess(this.id, { unread: 0 });
    inbox.read(this.id, seq).catch(() => (this.readSent = 0));
  }

  // --- the draft: one on the server, for the tab that is being written in

  private takeDraft(draft: Draft | null): void {
    if (!draft || this.draftTouched) return;
    this.draft.mode = draft.mode;
    this.draft[draft.mode] = draft.body;
  }

  write(text: string): void {
    this.draft[this.draft.mode] = text;
    this.touch();
    if (this.draft.mode === 'reply') this.tellTyping(text !== '');
  }

  turnTo(mode: 'reply' | 'note'): void {
    this.draft.mode = mode;
    if (this.draft[mode]) this.touch();
  }

  private touch(): void {
    this.draftTouched = true;
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(() => this.saveDraft(), 700);
  }

  /** Saves now what waits to be saved: when leaving, or after sending. */
  saveDraft(): void {
    if (!this.draftTouched) return;
    clearTimeout(this.draftTimer);
    const { mode } = this.draft;
    inbox.saveDraft(this.id, this.draft[mode], mode).catch(() => {
      // it is still in this browser; the next keystroke saves again
    });
  }

  /** Takes the written text out to be sent. */
  takeWritten(): { body: string; files: Attachment[]; mode: 'reply' | 'note' } {
    const { mode, files } = this.draft;
    const body = this.draft[mode].trim();
    this.draft[mode] = '';
    this.draft.files = [];
    this.touch();
    this.saveDraft();
    this.tellTyping(false);
    return { body, files: [...files], mode };
  }

  /** Puts a text back that could not be sent, before what was written since. */
  restore(mode: 'reply' | 'note', body: string): void {
    this.draft.mode = mode;
    this.draft[mode] = this.draft[mode] ? `${body}\n\n${this.draft[mode]}` : body;
    this.touch();
  }

  private tellTyping(on: boolean): void {
    const now = Date.now();
    if (on && now - this.wentTyping < 4000) return;
    if (!on && this.wentTyping === 0) return;
    this.wentTyping = on ? now : 0;
    inbox.typing(this.id, on).catch(() => {});
  }
}

/** Joins two runs of messages: by id, in the order of seq, the later word about a message wins. */
export function merge(old: Message[], more: Message[]): Message[] {
  if (more.length === 0) return old;
  const byId = new Map(old.map((m) => [m.id, m]));
  for (const m of more) byId.set(m.id, m);
  return [...byId.values()].sort((a, b) => a.seq - b.seq);
}

const threads = new SvelteMap<Id, Thread>();

export const threadOf = {
  /** The thread of a conversation, made when first asked for; the least recent ones are let go. */
  open(id: Id): Thread {
    let thread = threads.get(id);
    if (thread) threads.delete(id);
    else thread = new Thread(id);
    threads.set(id, thread);
    for (const [old, other] of threads) {
      if (threads.size <= kept) break;
      if (!other.draft.reply && !other.draft.note && other.draft.files.length === 0) threads.delete(old);
      else break;
    }
    return thread;
  },
  known(id: Id): Thread | undefined {
    return threads.get(id);
  },
  /** Fetches a neighbour before it is opened. */
  prefetch(id: Id | undefined): void {
    if (id === undefined || threads.has(id)) return;
    void this.open(id).peek();
  },
  forget(): void {
    threads.clear();
  },
};

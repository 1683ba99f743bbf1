// What the agent sent and the server has not yet confirmed. Each message keeps one key for all its tries, so a retry
// never sends twice; what waits for the line is kept in this browser and sent when it is back.
import { inbox, Problem, type Attachment, type Id, type Message, type NewMessage } from '$lib/api';
import { keep, recall } from '$lib/app/keep';
import { rows } from './conversations.svelte';
import { threadOf } from './threads.svelte';

export interface Outgoing {
  conversation: Id;
  message: NewMessage;
  files: Attachment[];
  author: string;
  at: string;
  state: 'sending' | 'waiting' | 'failed';
  /** Why it failed, in the server's words; 'stale' when the customer has written meanwhile. */
  reason: string;
  stale: boolean;
}

let items = $state.raw<Outgoing[]>([]);
let restored = false;

// What an earlier page of this browser left unsent. What it was sending may have arrived: the key tells the server.
function restore(): void {
  if (restored) return;
  restored = true;
  const left = recall<Outgoing[]>('outbox', []);
  if (!Array.isArray(left)) return;
  items = [...left.map((o) => (o.state === 'sending' ? { ...o, state: 'waiting' as const } : o)), ...items];
}

function store(next: Outgoing[]): void {
  items = next;
  keep('outbox', next);
}
function change(key: string, part: Partial<Outgoing>): void {
  store(items.map((o) => (o.message.client_id === key ? { ...o, ...part } : o)));
}

export const outbox = {
  of(conversation: Id): Outgoing[] {
    return items.filter((o) => o.conversation === conversation);
  },
  get waiting(): number {
    return items.filter((o) => o.state === 'waiting').length;
  },

  /** Sends; the message shows at once, its fate follows. Resolves true when the server took it. */
  async send(conversation: Id, message: NewMessage, files: Attachment[], author: string): Promise<boolean> {
    restore();
    const out: Outgoing = {
      conversation,
      message,
      files,
      author,
      at: new Date().toISOString(),
      state: 'sending',
      reason: '',
      stale: false,
    };
    store([...items, out]);
    return attempt(out);
  },

  /** Tries a failed one again; `anyway` sends it although the customer wrote meanwhile. */
  retry(key: string, anyway = false): void {
    const out = items.find((o) => o.message.client_id === key);
    if (!out) return;
    const message = { ...out.message };
    if (anyway) delete message.expected_seq;
    change(key, { state: 'sending', reason: '', stale: false, message });
    void attempt({ ...out, message });
  },

  /** Gives a failed one back to the composer. */
  takeBack(key: string): void {
    const out = items.find((o) => o.message.client_id === key);
    if (!out) return;
    store(items.filter((o) => o !== out));
    const thread = threadOf.open(out.conversation);
    thread.restore(out.message.kind, out.message.body);
    thread.draft.files = [...out.files, ...thread.draft.files];
    const { to, cc = [], bcc = [], subject = '', forward = 0 } = out.message;
    if (to) thread.draft.letter = { to, cc, bcc, subject, forward };
  },

  /** The line is back: everything that waited goes out, in order. */
  async flush(): Promise<void> {
    restore();
    for (const { message } of items.filter((o) => o.state === 'waiting')) {
      // Another flush may have taken it meanwhile.
      const out = items.find((o) => o.message.client_id === message.client_id && o.state === 'waiting');
      if (!out) continue;
      change(message.client_id, { state: 'sending' });
      await attempt(out);
    }
  },

  /** The message came over the socket, perhaps before the answer to its sending. */
  confirmed(message: Message): void {
    if (message.client_id && items.some((o) => o.message.client_id === message.client_id))
      store(items.filter((o) => o.message.client_id !== message.client_id));
  },
};

async function attempt(out: Outgoing): Promise<boolean> {
  const key = out.message.client_id;
  try {
    const message = await inbox.send(out.conversation, out.message);
    threadOf.known(out.conversation)?.hear(message);
    const row = rows.get(out.conversation);
    if (row && row.last_seq < message.seq && message.kind !== 'system')
      rows.guess(out.conversation, {
        preview: message.body,
        preview_from: message.kind === 'note' ? 'note' : 'agent',
        last_seq: message.seq,
        last_message_at: message.created_at,
      });
    outbox.confirmed(message);
    return true;
  } catch (cause) {
    const problem = cause instanceof Problem ? cause : new Problem(0, 'unknown', '');
    if (problem.unreachable) change(key, { state: 'waiting' });
    else
      change(key, { state: 'failed', reason: problem.detail, stale: problem.code === 'conversation.stale' });
    return false;
  }
}

// The stream of news: hands each publication to the part of the store that it concerns, and after a break makes
// everything on the screen catch up.
import type { Id, LiveEvent } from '$lib/api';
import { configure } from '$lib/api/request';
import { hearPresence, session, start as startSession } from '$lib/app/session.svelte';
import { inboxLists, type ConversationList } from './conversations.svelte';
import { counts } from './counts.svelte';
import { customerFiles } from './customers.svelte';
import { directory } from './directory.svelte';
import { outbox } from './outbox.svelte';
import { LiveSocket } from './socket';
import { threadOf, type Thread } from './threads.svelte';

let connected = $state(false);
let down = $state(false);
let reached = $state(true);
let downTimer: ReturnType<typeof setTimeout> | undefined;
let socket: LiveSocket | undefined;
let before = false;
const patience = 3000;

/** What is on the screen now: it is this that catches up first. */
export const shown: { list?: ConversationList; thread?: Thread } = {};
const stockListeners = new Set<() => void>();
const orderListeners = new Set<(id: Id) => void>();
const inquiryListeners = new Set<() => void>();
const taskListeners = new Set<() => void>();
const callbackListeners = new Set<() => void>();
const phoneListeners = new Set<() => void>();
const agentListeners = new Set<() => void>();
const scriptListeners = new Set<(run: Id) => void>();
const callListeners = new Set<(id: Id) => void>();

export const live = {
  get connected(): boolean {
    return connected;
  },
  /** The line has been gone long enough to say so. */
  get offline(): boolean {
    return down || !reached;
  },
  retry(): void {
    socket?.retry();
    if (!reached) catchUp();
  },
  onStock(run: () => void): () => void {
    stockListeners.add(run);
    return () => stockListeners.delete(run);
  },
  onOrder(run: (id: Id) => void): () => void {
    orderListeners.add(run);
    return () => orderListeners.delete(run);
  },
  onInquiry(run: () => void): () => void {
    inquiryListeners.add(run);
    return () => inquiryListeners.delete(run);
  },
  onTask(run: () => void): () => void {
    taskListeners.add(run);
    return () => taskListeners.delete(run);
  },
  onCallback(run: () => void): () => void {
    callbackListeners.add(run);
    return () => callbackListeners.delete(run);
  },
  /** What concerns this agent’s own telephone. */
  onPhone(run: () => void): () => void {
    phoneListeners.add(run);
    return () => phoneListeners.delete(run);
  },
  /** Any agent at the telephone, and any telephone of theirs. */
  onAgents(run: () => void): () => void {
    agentListeners.add(run);
    return () => agentListeners.delete(run);
  },
  /** Any call of the stores; 0: there may have been several. */
  onCall(run: (id: Id) => void): () => void {
    callListeners.add(run);
    return () => callListeners.delete(run);
  },
  /** A walk through a script; 0: there may have been several. */
  onScript(run: (id: Id) => void): () => void {
    scriptListeners.add(run);
    return () => scriptListeners.delete(run);
  },
  /** Connects after the first paint; the first screen does not wait for it. */
  start(): () => void {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live/agent`;
    socket = new LiveSocket(url, {
      data: (d) => hear(d as LiveEvent),
      up,
      down: lost,
      refused: () => void startSession(),
    });
    configure({ onReach: (ok) => (reached = ok) });
    const begin = setTimeout(() => socket?.start(), 50);
    const back = () => live.retry();
    addEventListener('online', back);
    void outbox.flush();
    return () => {
      clearTimeout(begin);
      clearTimeout(downTimer);
      removeEventListener('online', back);
      socket?.stop();
      before = false;
      connected = down = false;
      for (const part of [inboxLists, threadOf, customerFiles, directory]) part.forget();
    };
  },
};

function up(): void {
  connected = true;
  down = false;
  clearTimeout(downTimer);
  if (before) catchUp();
  before = true;
}

function lost(): void {
  connected = false;
  clearTimeout(downTimer);
  downTimer = setTimeout(() => (down = true), patience);
}

function catchUp(): void {
  inboxLists.catchUp(shown.list);
  void shown.thread?.catchUp();
  void counts.fetch();
  void outbox.flush();
  callbackListeners.forEach((run) => run());
  phoneListeners.forEach((run) => run());
  agentListeners.forEach((run) => run());
  callListeners.forEach((run) => run(0));
  scriptListeners.forEach((run) => run(0));
}

export function hear(event: LiveEvent): void {
  switch (event.t) {
    case 'conversation':
      inboxLists.hear(event.conversation);
      break;
    case 'message':
      threadOf.known(event.conversation_id)?.hear(event.message);
      outbox.confirmed(event.message);
      break;
    case 'typing':
      // The stream tells everybody, the writer too.
      if (event.who === 'agent' && event.name === session.me.agent.name) break;
      threadOf.known(event.conversation_id)?.hearTyping(event.who, event.name ?? '', event.on);
      break;
    case 'viewer':
      threadOf.known(event.conversation_id)?.hearViewers(event.viewers);
      break;
    case 'visitor':
      threadOf.known(event.conversation_id)?.hearVisitor(event.online, event.page);
      break;
    case 'read':
      threadOf.known(event.conversation_id)?.hearRead(event.by, event.seq);
      break;
    case 'presence':
      hearPresence(event.agent_id, event.state);
      directory.hear(event.agent_id, event.state);
      break;
    case 'counts':
      counts.soon();
      break;
    case 'customer':
      customerFiles.hear(event.customer_id);
      if (event.order_id) orderListeners.forEach((run) => run(event.order_id!));
      break;
    case 'stock':
      stockListeners.forEach((run) => run());
      break;
    case 'inquiry':
      inquiryListeners.forEach((run) => run());
      break;
    case 'task':
      taskListeners.forEach((run) => run());
      break;
    case 'callback':
      callbackListeners.forEach((run) => run());
      break;
    case 'call':
    case 'call.recording':
      callListeners.forEach((run) => run(event.call_id));
      break;
    case 'script':
      scriptListeners.forEach((run) => run(event.run_id));
      break;
    case 'phone':
      phoneListeners.forEach((run) => run());
      break;
    case 'phone.agent':
      agentListeners.forEach((run) => run());
      break;
  }
}

// An API that lives in the page: answers fetch and the socket from the made-up house, for pictures and browser tests.
// `?as=stranger` starts signed out, `?as=new` with an empty house. No production build carries it.
import type * as T from '$lib/api/types';
import { FakeSocket, publish } from './fake-socket';
import * as world from './world';

interface Ask {
  path: string;
  parts: string[];
  query: URLSearchParams;
  body: Record<string, never> & Record<string, unknown>;
}
type Answer = (ask: Ask) => unknown;

const as = new URLSearchParams(location.search).get('as');
let signedIn = as !== 'stranger' && as !== 'new';
const page = <V>(items: V[], next = '') => ({ items, next });
let lastFile = 900;

class Refusal {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {}
}

const rowOf = (ask: Ask): T.ConversationRow => {
  const row = world.rows.find((r) => r.id === Number(ask.parts[1]));
  if (!row) throw new Refusal(404, 'not_found', 'Не знайдено');
  return row;
};
function change(ask: Ask, part: Partial<T.ConversationRow>): T.ConversationRow {
  const row = rowOf(ask);
  Object.assign(row, part, { version: row.version + 1 });
  publish({ t: 'conversation', conversation: { ...row }, change: 'updated' });
  publish({ t: 'counts' });
  return { ...row };
}

function matches(row: T.ConversationRow, view: string): boolean {
  if (view === 'all') return true;
  if (view === 'mine') return row.assignee?.id === world.me.agent.id && row.status === 'open';
  if (view === 'unassigned') return !row.assignee && row.status === 'open';
  return row.status === view;
}
const inStore = (row: { store_id: number }, query: URLSearchParams) =>
  !query.get('store_id') || row.store_id === Number(query.get('store_id'));

const routes: [method: string, pattern: RegExp, answer: Answer][] = [
  ['GET', /^setup$/, () => ({ needed: as === 'new' })],
  ['GET', /^conversations\/\d+\/ways$/, () => page<T.Way>([])],
  [
    'POST',
    /^(setup|session)$/,
    ({ body }) => {
      if (body.password === 'wrong') throw new Refusal(401, 'session.refused', 'Невірна пошта або пароль');
      signedIn = true;
      return world.me;
    },
  ],
  ['DELETE', /^session$/, () => ((signedIn = false), undefined)],
  [
    'GET',
    /^me$/,
    () => {
      if (!signedIn) throw new Refusal(401, 'session.missing', '');
      return world.me;
    },
  ],
  ['PATCH', /^me$/, ({ body }) => void Object.assign(world.me.agent, body)],
  [
    'PUT',
    /^me\/presence$/,
    ({ body }) => void (world.me.presence.state = body.state as unknown as T.PresenceState),
  ],
  ['POST', /^me\//, () => undefined],
  ['GET', /^agents$/, () => page(world.agents)],
  ['GET', /^teams$/, () => page(world.teams)],
  ['GET', /^queues$/, () => page(world.queues)],
  ['GET', /^(tags|topics)$/, ({ path }) => page(path === 'tags' ? world.tags : world.topics)],
  [
    'GET',
    /^inbox\/counts$/,
    ({ query }) => {
      const rows = world.rows.filter((r) => inStore(r, query));
      const keys: T.ViewKey[] = ['open', 'mine', 'unassigned', 'pending', 'snoozed', 'resolved', 'all'];
      return {
        views: keys.map((key) => ({ key, count: rows.filter((r) => matches(r, key)).length })),
        queues: world.queues
          .filter((q) => inStore(q, query))
          .map((q) => ({
            ...q,
            open: rows.filter((r) => r.queue_id === q.id && r.status === 'open').length,
          })),
      };
    },
  ],
  [
    'GET',
    /^conversations$/,
    ({ query }) => {
      const q = (query.get('q') ?? '').toLowerCase();
      const from = Number(query.get('cursor') ?? 0);
      const limit = Number(query.get('limit') ?? 50);
      const rows = world.rows
        .filter((r) => inStore(r, query) && matches(r, query.get('view') ?? 'open'))
        .filter((r) => !query.get('queue_id') || r.queue_id === Number(query.get('queue_id')))
        .filter((r) => !query.get('channel') || r.channel === query.get('channel'))
        .filter(
          (r) => !q || `${r.customer.name} ${r.subject} ${r.preview} ${r.number}`.toLowerCase().includes(q),
        )
        .sort((a, b) => Date.parse(b.last_message_at) - Date.parse(a.last_message_at));
      if (query.get('sort')) rows.reverse();
      return page(rows.slice(from, from + limit), rows.length > from + limit ? String(from + limit) : '');
    },
  ],
  [
    'GET',
    /^conversations\/\d+$/,
    (ask): T.ConversationPage => {
      const row = rowOf(ask);
      return {
        conversation: {
          ...row,
          language: 'uk',
          page_url: 'https://shop.example/p/AR-44',
          visitor:
            row.channel === 'chat'
              ? {
                  online: row.id % 2 === 0,
                  page_title: 'Кросівки Air Runner',
                  page_url: 'https://shop.example/p/AR-44',
                  user_agent: '',
                  language: 'uk',
                }
              : null,
          read_seq_customer: row.last_seq,
          read_seq_agent: 0,
        },
        messages: world.messages.get(row.id)!,
        has_more: false,
        draft: null,
        viewers: row.id % 3 === 0 ? [{ id: 12, name: 'Олена Мороз' }] : [],
      };
    },
  ],
  [
    'GET',
    /^conversations\/\d+\/messages$/,
    (ask) => ({
      ...page(
        world.messages.get(rowOf(ask).id)!.filter((m) => m.seq > Number(ask.query.get('after_seq') ?? 0)),
      ),
      has_more: false,
    }),
  ],
  ['POST', /^conversations\/\d+\/messages$/, (ask) => send(ask)],
  ['POST', /^conversations\/\d+\/resolve$/, (ask) => change(ask, { status: 'resolved' })],
  ['POST', /^conversations\/\d+\/reopen$/, (ask) => change(ask, { status: 'open', snoozed_until: null })],
  ['POST', /^conversations\/\d+\/pending$/, (ask) => change(ask, { status: 'pending' })],
  [
    'POST',
    /^conversations\/\d+\/snooze$/,
    (ask) => change(ask, { status: 'snoozed', snoozed_until: ask.body.until as unknown as string }),
  ],
  [
    'POST',
    /^conversations\/\d+\/assign$/,
    (ask) => {
      const agent = world.agents.find((a) => a.id === (ask.body.agent_id as unknown as number));
      return change(ask, { assignee: agent ? { id: agent.id, name: agent.name } : null });
    },
  ],
  ['PUT', /^conversations\/\d+\/tags$/, (ask) => change(ask, { tags: ask.body.tags as unknown as string[] })],
  [
    'PUT',
    /^conversations\/\d+\/topic$/,
    (ask) => change(ask, { topic: ask.body.topic as unknown as string }),
  ],
  ['POST', /^conversations\/\d+\/read$/, (ask) => void change(ask, { unread: 0 })],
  ['POST', /^conversations\/\d+\/typing$/, () => undefined],
  ['PUT', /^conversations\/\d+\/draft$/, () => undefined],
  [
    'POST',
    /^uploads$/,
    ({ body }): T.Attachment => {
      const file = body.file as unknown as File;
      return {
        id: ++lastFile,
        name: file.name,
        content_type: file.type,
        size: file.size,
        url: '',
        width: 0,
        height: 0,
        thumb_url: '',
      };
    },
  ],
  ['GET', /^customers\/\d+$/, ({ parts }) => world.customers.get(Number(parts[1]))],
  ['GET', /^customers\/\d+\/orders$/, ({ parts }) => page(world.orders.get(Number(parts[1])) ?? [])],
  ['GET', /^customers\/\d+\/timeline$/, ({ parts }) => page(world.timelineOf(Number(parts[1])))],
  [
    'GET',
    /^customers\/\d+\/duplicates$/,
    ({ parts }) => page([world.customers.get(100 + ((Number(parts[1]) - 82) % 320))!.customer]),
  ],
  ['PATCH', /^customers\/\d+$/, () => undefined],
  ['POST', /^customers\/\d+\/merge$/, () => ({ merge_id: 1 })],
  ['POST', /^merges\/\d+\/undo$/, () => undefined],
  [
    'GET',
    /^orders\/\d+$/,
    ({ parts }) => {
      const order = [...world.orders.values()].flat().find((o) => o.id === Number(parts[1]));
      if (!order) throw new Refusal(404, 'not_found', 'Не знайдено');
      return order;
    },
  ],
  [
    'GET',
    /^products$/,
    ({ query }) => {
      const words = (query.get('q') ?? '')
        .toLowerCase()
        .split(/[\s,]+/)
        .slice(0, 2);
      return page(
        world.products.filter((p) =>
          words.every((w) => `${p.name} ${p.variants.map((v) => v.sku).join(' ')}`.toLowerCase().includes(w)),
        ),
      );
    },
  ],
  ['GET', /^find$/, ({ query }) => ({ items: find((query.get('q') ?? '').toLowerCase()) })],
];

function find(q: string): T.Found[] {
  const base = { store_id: 1, customer_id: 0, conversation_id: 0 };
  const rows = world.rows.filter((r) => r.customer.name.toLowerCase().includes(q));
  return [
    ...rows.slice(0, 4).map((r) => ({
      ...base,
      kind: 'customer' as const,
      id: r.customer.id,
      title: r.customer.name,
      subtitle: '+380 67 123 45 67',
      matched: 'name' as const,
      customer_id: r.customer.id,
    })),
    ...[...world.orders.entries()]
      .flatMap(([customer, list]) =>
        list
          .filter((o) => o.number.includes(q))
          .map((o) => ({
            ...base,
            kind: 'order' as const,
            id: o.id,
            title: '№ ' + o.number,
            subtitle: o.lines[0]!.name,
            matched: 'number' as const,
            customer_id: customer,
          })),
      )
      .slice(0, 4),
    ...rows.slice(0, 3).map((r) => ({
      ...base,
      kind: 'conversation' as const,
      id: r.id,
      title: r.subject || r.preview,
      subtitle: r.customer.name,
      matched: 'text' as const,
      conversation_id: r.id,
    })),
    ...world.products
      .filter((p) => p.name.toLowerCase().includes(q))
      .map((p) => ({
        ...base,
        kind: 'product' as const,
        id: p.id,
        title: p.name,
        subtitle: p.variants[0]!.sku,
        matched: 'name' as const,
      })),
  ];
}

function send(ask: Ask): T.Message {
  const row = rowOf(ask);
  const wanted = ask.body as unknown as T.NewMessage;
  if (wanted.body.includes('!refuse')) throw new Refusal(422, 'message.refused', 'Канал закрито клієнтом');
  const list = world.messages.get(row.id)!;
  const message: T.Message = {
    id: ++lastFile + 100_000,
    conversation_id: row.id,
    seq: row.last_seq + 1,
    kind: wanted.kind,
    from: 'agent',
    author: { id: world.me.agent.id, name: world.me.agent.name },
    body: wanted.body,
    html: null,
    attachments: [],
    client_id: wanted.client_id,
    delivery: wanted.kind === 'reply' ? { state: 'sent', reason: '' } : null,
    created_at: new Date().toISOString(),
    system: null,
  };
  list.push(message);
  change(ask, {
    last_seq: message.seq,
    preview: wanted.body,
    preview_from: wanted.kind === 'note' ? 'note' : 'agent',
    last_message_at: message.created_at,
    ...(wanted.resolve ? { status: 'resolved' as const } : {}),
  });
  return message;
}

/** A customer writes into a conversation, or a new conversation begins: for tests of what happens live. */
function receive(id: number, body: string): void {
  const row = world.rows.find((r) => r.id === id)!;
  const list = world.messages.get(id)!;
  const message: T.Message = {
    ...list[0]!,
    id: ++lastFile + 100_000,
    seq: row.last_seq + 1,
    kind: 'reply',
    from: 'customer',
    author: null,
    body,
    client_id: '',
    created_at: new Date().toISOString(),
  };
  list.push(message);
  Object.assign(row, {
    version: row.version + 1,
    last_seq: message.seq,
    preview: body,
    preview_from: 'customer',
    unread: row.unread + 1,
    last_message_at: message.created_at,
    status: 'open',
  });
  publish({ t: 'message', conversation_id: id, message });
  publish({ t: 'conversation', conversation: { ...row }, change: 'updated' });
}
function begin(name: string, body: string): number {
  const from = world.rows[1]!;
  const id = ++lastFile + 200_000;
  const row: T.ConversationRow = {
    ...from,
    id,
    version: 1,
    status: 'open',
    subject: '',
    preview: body,
    unread: 1,
    last_seq: 0,
    customer: { ...from.customer, name },
    last_message_at: new Date().toISOString(),
  };
  world.rows.unshift(row);
  world.messages.set(id, [{ ...world.messages.get(from.id)![0]!, id: id + 1, seq: 1, body }]);
  row.last_seq = 1;
  publish({ t: 'conversation', conversation: { ...row }, change: 'created' });
  publish({ t: 'counts' });
  return id;
}

export function install(): void {
  const real = globalThis.fetch.bind(globalThis);
  const control = { down: false, receive, begin, publish };
  Object.assign(globalThis, { fake: control, WebSocket: FakeSocket });
  globalThis.fetch = async (input, init = {}) => {
    const url = new URL(String(input), location.href);
    if (!url.pathname.startsWith('/api/v1/')) return real(input, init);
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (control.down) throw new TypeError('no network');
    if (init.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    const path = url.pathname.slice('/api/v1/'.length);
    const method = init.method ?? 'GET';
    const route = routes.find(([m, pattern]) => m === method && pattern.test(path));
    const body =
      init.body instanceof FormData
        ? Object.fromEntries(init.body)
        : init.body
          ? JSON.parse(String(init.body))
          : {};
    try {
      if (!route) throw new Refusal(404, 'not_found', path);
      const answer = route[2]({ path, parts: path.split('/'), query: url.searchParams, body });
      return new Response(answer === undefined ? null : JSON.stringify(answer), {
        status: answer === undefined ? 204 : 200,
      });
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      return Response.json({ code: cause.code, detail: cause.detail }, { status: cause.status });
    }
  };
}

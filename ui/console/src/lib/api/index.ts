// The calls that the desk makes, one function each, named like the act.
import { request } from './request';
import { as, del, get, patch, post, put } from './typed';
import type * as T from './types';

export { Problem } from './request';
export type * from './types';

const all = (storeId: T.Id) => storeId || undefined;

export const setup = {
  needed: () => as<{ needed: boolean }>(get('/setup', {})),
  run: (body: T.SetUp) => as<T.Me>(post('/setup', {}, { body })),
};

export const invitations = {
  check: (token: string) =>
    as<{ name: string; email: string; language: T.Language }>(
      post('/invitations/check', {}, { body: { token } }),
    ),
  accept: (token: string, password: string) =>
    as<T.Me>(post('/invitations/accept', {}, { body: { token, password } })),
};

export const session = {
  signIn: (email: string, password: string) => as<T.Me>(post('/session', {}, { body: { email, password } })),
  signOut: () => del('/session', {}),
  me: () => as<T.Me>(get('/me', {})),
  change: (body: Partial<Pick<T.Me['agent'], 'name' | 'language' | 'theme' | 'keymap'>>) =>
    patch('/me', {}, { body }),
  changePassword: (current: string, password: string) =>
    post('/me/password', {}, { body: { current, password } }),
  setPresence: (state: T.PresenceState) => put('/me/presence', {}, { body: { state } }),
  heartbeat: () => post('/me/heartbeat', {}),
};

export const inbox = {
  counts: (storeId: T.Id) => as<T.Counts>(get('/inbox/counts', {}, { query: { store_id: all(storeId) } })),
  list: (query: T.ConversationQuery, signal?: AbortSignal) =>
    as<T.Page<T.ConversationRow>>(get('/conversations', {}, { query, signal })),
  open: (id: T.Id) => as<T.ConversationPage>(get('/conversations/{id}', { id })),
  messages: (id: T.Id, query: { before_seq?: number; after_seq?: number; limit?: number }) =>
    as<T.Page<T.Message> & { has_more: boolean }>(get('/conversations/{id}/messages', { id }, { query })),
  send: (id: T.Id, message: T.NewMessage) =>
    as<T.Message>(post('/conversations/{id}/messages', { id }, { body: message, key: message.client_id })),
  saveDraft: (id: T.Id, body: string, mode: 'reply' | 'note') =>
    put('/conversations/{id}/draft', { id }, { body: { body, mode } }),
  resolve: (id: T.Id) => as<T.ConversationRow>(post('/conversations/{id}/resolve', { id })),
  reopen: (id: T.Id) => as<T.ConversationRow>(post('/conversations/{id}/reopen', { id })),
  pending: (id: T.Id) => as<T.ConversationRow>(post('/conversations/{id}/pending', { id })),
  snooze: (id: T.Id, until: T.Time) =>
    as<T.ConversationRow>(post('/conversations/{id}/snooze', { id }, { body: { until } })),
  assign: (id: T.Id, to: { agent_id: T.Id | null; team_id?: T.Id | null; queue_id?: T.Id }) =>
    as<T.ConversationRow>(post('/conversations/{id}/assign', { id }, { body: to })),
  tag: (id: T.Id, tags: string[]) =>
    as<T.ConversationRow>(put('/conversations/{id}/tags', { id }, { body: { tags } })),
  setTopic: (id: T.Id, topic: string) =>
    as<T.ConversationRow>(put('/conversations/{id}/topic', { id }, { body: { topic } })),
  macros: (id: T.Id) => as<T.Page<T.FilledMacro>>(get('/conversations/{id}/macros', { id })),
  ways: (id: T.Id) => as<{ items: T.Way[] }>(get('/conversations/{id}/ways', { id })),
  templates: (id: T.Id, way: { channel: string; address: string }) =>
    as<T.TemplateOffers>(get('/conversations/{id}/templates', { id }, { query: way })),
  templatesTo: (customer: T.Id, way: { channel: string; address: string }) =>
    as<T.TemplateOffers>(get('/customers/{id}/templates', { id: customer }, { query: way })),
  takeBack: (id: T.Id, message: T.Id) =>
    as<T.Message>(post('/conversations/{id}/take-back', { id }, { body: { message_id: message } })),
  retry: (id: T.Id, message: T.Id) =>
    as<T.Message>(post('/conversations/{id}/retry', { id }, { body: { message_id: message } })),
  rescue: (id: T.Id) => as<T.ConversationRow>(post('/conversations/{id}/rescue', { id })),
  junk: (id: T.Id) => as<T.ConversationRow>(post('/conversations/{id}/junk', { id })),
  envelope: (id: T.Id, message = 0) =>
    as<T.Envelope>(get('/conversations/{id}/envelope', { id }, { query: { message_id: message } })),
  check: (
    id: T.Id,
    body: { body: string; to: string[]; cc: string[]; bcc: string[] },
    signal?: AbortSignal,
  ) => as<T.AnswerCheck>(post('/conversations/{id}/check', { id }, { body, signal })),
  told: (id: T.Id) => as<{ items: T.Told[] }>(get('/conversations/{id}/notices', { id })),
  waysTo: (customer: T.Id) => as<{ items: T.Way[] }>(get('/customers/{id}/ways', { id: customer })),
  begin: (
    customer: T.Id,
    body: { channel: string; address: string; subject?: string; body: string; template?: T.TemplateChoice },
    key: string,
  ) => as<T.ConversationRow>(post('/customers/{id}/conversations', { id: customer }, { body, key })),
  showPictures: (message: T.Id, show: boolean) =>
    put('/messages/{id}/pictures', { id: message }, { body: { show } }),
  read: (id: T.Id, seq: number) => post('/conversations/{id}/read', { id }, { body: { seq } }),
  typing: (id: T.Id, on: boolean) => post('/conversations/{id}/typing', { id }, { body: { on } }),
  upload: (file: File, signal?: AbortSignal) => {
    const body = new FormData();
    body.set('file', file);
    return request<T.Attachment>('POST', '/uploads', { body, signal });
  },
};

export const customers = {
  list: (storeId: T.Id, cursor = '') =>
    as<T.Page<T.CustomerRow>>(get('/customers', {}, { query: { store_id: all(storeId), cursor } })),
  create: (body: T.NewCustomer) => as<{ id: T.Id }>(post('/customers', {}, { body })),
  card: (id: T.Id) => as<T.CustomerCard>(get('/customers/{id}', { id })),
  orders: (id: T.Id) => as<T.Page<T.Order>>(get('/customers/{id}/orders', { id })),
  timeline: (id: T.Id, cursor = '') =>
    as<T.Page<T.TimelineItem>>(get('/customers/{id}/timeline', { id }, { query: { cursor } })),
  change: (id: T.Id, body: { name?: string; note?: string; language?: string; consent?: T.ConsentChange }) =>
    patch('/customers/{id}', { id }, { body }),
  addContact: (id: T.Id, body: T.NewContact) => post('/customers/{id}/identities', { id }, { body }),
  removeContact: (id: T.Id, identity: T.Id) => del('/customers/{id}/identities/{identity}', { id, identity }),
  duplicates: (id: T.Id) => as<T.Page<T.Customer>>(get('/customers/{id}/duplicates', { id })),
  merge: (id: T.Id, other: T.Id) =>
    as<{ merge_id: T.Id }>(post('/customers/{id}/merge', { id }, { body: { other_id: other } })),
  undoMerge: (merge: T.Id) => post('/merges/{id}/undo', { id: merge }),
};

export const commerce = {
  order: (id: T.Id) => as<T.Order>(get('/orders/{id}', { id })),
  actions: (id: T.Id) =>
    as<T.Page<T.ShopAction>>(get('/orders/{id}/actions', { id }, { query: { limit: 5 } })),
  actionOptions: (id: T.Id) => as<T.ActionOptions>(get('/orders/{id}/action-options', { id })),
  ask: (id: T.Id, body: T.ActionRequest, key: string) =>
    as<T.ShopAction>(post('/orders/{id}/actions', { id }, { body, key })),
  products: (q: string, storeId: T.Id, cursor = '', signal?: AbortSignal) =>
    as<T.Page<T.Product>>(get('/products', {}, { query: { q, store_id: all(storeId), cursor }, signal })),
  stock: (variant: T.Id) => as<T.Page<T.Stock>>(get('/variants/{id}/stock', { id: variant })),
};

export const find = (q: string, storeId: T.Id, signal?: AbortSignal) =>
  as<{ items: T.Found[] }>(get('/find', {}, { query: { q, store_id: all(storeId) }, signal }));

export const people = {
  agents: () => as<T.Page<T.Agent>>(get('/agents', {})),
  teams: () => as<T.Page<T.Team>>(get('/teams', {})),
  queues: () => as<T.Page<T.Queue>>(get('/queues', {})),
  tags: () => as<T.Page<T.Label>>(get('/tags', {})),
  topics: () => as<T.Page<T.Label>>(get('/topics', {})),
};

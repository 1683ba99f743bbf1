// The calls that the desk makes, one function each, named like the act.
import { request, type Options } from './request';
import type * as T from './types';

export { Problem } from './request';
export type * from './types';

const get = <R>(path: string, query?: Options['query'], signal?: AbortSignal) =>
  request<R>('GET', path, { query, signal });
const post = <R = void>(path: string, body?: unknown, key?: string) =>
  request<R>('POST', path, { body, key });
const put = <R = void>(path: string, body: unknown) => request<R>('PUT', path, { body });
const patch = <R = void>(path: string, body: unknown) => request<R>('PATCH', path, { body });

export const setup = {
  needed: () => get<{ needed: boolean }>('/setup'),
  run: (body: T.SetUp) => post<T.Me>('/setup', body),
};

export const invitations = {
  check: (token: string) =>
    post<{ name: string; email: string; language: T.Language }>('/invitations/check', { token }),
  accept: (token: string, password: string) => post<T.Me>('/invitations/accept', { token, password }),
};

export const session = {
  signIn: (email: string, password: string) => post<T.Me>('/session', { email, password }),
  signOut: () => request<void>('DELETE', '/session'),
  me: () => get<T.Me>('/me'),
  change: (body: Partial<Pick<T.Me['agent'], 'name' | 'language' | 'theme' | 'keymap'>>) =>
    patch('/me', body),
  changePassword: (current: string, password: string) => post('/me/password', { current, password }),
  setPresence: (state: T.PresenceState) => put('/me/presence', { state }),
  heartbeat: () => post('/me/heartbeat'),
};

export const inbox = {
  counts: (storeId: T.Id) => get<T.Counts>('/inbox/counts', { store_id: storeId || undefined }),
  list: (query: T.ConversationQuery, signal?: AbortSignal) =>
    get<T.Page<T.ConversationRow>>('/conversations', { ...query }, signal),
  open: (id: T.Id) => get<T.ConversationPage>(`/conversations/${id}`),
  messages: (id: T.Id, query: { before_seq?: number; after_seq?: number; limit?: number }) =>
    get<T.Page<T.Message> & { has_more: boolean }>(`/conversations/${id}/messages`, query),
  send: (id: T.Id, message: T.NewMessage) =>
    post<T.Message>(`/conversations/${id}/messages`, message, message.client_id),
  saveDraft: (id: T.Id, body: string, mode: 'reply' | 'note') =>
    put(`/conversations/${id}/draft`, { body, mode }),
  resolve: (id: T.Id) => post<T.ConversationRow>(`/conversations/${id}/resolve`),
  reopen: (id: T.Id) => post<T.ConversationRow>(`/conversations/${id}/reopen`),
  pending: (id: T.Id) => post<T.ConversationRow>(`/conversations/${id}/pending`),
  snooze: (id: T.Id, until: T.Time) => post<T.ConversationRow>(`/conversations/${id}/snooze`, { until }),
  assign: (id: T.Id, to: { agent_id: T.Id | null; team_id?: T.Id | null; queue_id?: T.Id }) =>
    post<T.ConversationRow>(`/conversations/${id}/assign`, to),
  tag: (id: T.Id, tags: string[]) => put<T.ConversationRow>(`/conversations/${id}/tags`, { tags }),
  setTopic: (id: T.Id, topic: string) => put<T.ConversationRow>(`/conversations/${id}/topic`, { topic }),
  read: (id: T.Id, seq: number) => post(`/conversations/${id}/read`, { seq }),
  typing: (id: T.Id, on: boolean) => post(`/conversations/${id}/typing`, { on }),
  upload: (file: File, signal?: AbortSignal) => {
    const body = new FormData();
    body.set('file', file);
    return request<T.Attachment>('POST', '/uploads', { body, signal });
  },
};

export const customers = {
  card: (id: T.Id) => get<T.CustomerCard>(`/customers/${id}`),
  orders: (id: T.Id) => get<T.Page<T.Order>>(`/customers/${id}/orders`),
  timeline: (id: T.Id, cursor = '') => get<T.Page<T.TimelineItem>>(`/customers/${id}/timeline`, { cursor }),
  change: (
    id: T.Id,
    body: { name?: string; note?: string; language?: string; consent?: Partial<T.Consent> },
  ) => patch(`/customers/${id}`, body),
  duplicates: (id: T.Id) => get<T.Page<T.Customer>>(`/customers/${id}/duplicates`),
  merge: (id: T.Id, other: T.Id) => post<{ merge_id: T.Id }>(`/customers/${id}/merge`, { other_id: other }),
  undoMerge: (merge: T.Id) => post(`/merges/${merge}/undo`),
};

export const commerce = {
  order: (id: T.Id) => get<T.Order>(`/orders/${id}`),
  products: (q: string, storeId: T.Id, signal?: AbortSignal) =>
    get<T.Page<T.Product>>('/products', { q, store_id: storeId || undefined }, signal),
  stock: (variant: T.Id) => get<T.Page<T.Stock>>(`/variants/${variant}/stock`),
};

export const find = (q: string, storeId: T.Id, signal?: AbortSignal) =>
  get<{ items: T.Found[] }>('/find', { q, store_id: storeId || undefined }, signal);

export const people = {
  agents: () => get<T.Page<T.Agent>>('/agents'),
  teams: () => get<T.Page<T.Team>>('/teams'),
  queues: () => get<T.Page<T.Queue>>('/queues'),
  tags: () => get<T.Page<T.Label>>('/tags'),
  topics: () => get<T.Page<T.Label>>('/topics'),
};

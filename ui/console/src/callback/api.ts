// The calls about callbacks, wishes for goods and the agent's own telephone.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Callback = Schemas['Callback'];
export type Column = Callback['column'];
export type Counts = Schemas['BoardCounts'];
export type Settings = Schemas['PhoneSettings'];
export type Rule = Schemas['Rule'];
export type Policy = Schemas['Policy'];
export type MyPhone = Schemas['AgentState'];
export type Wish = Schemas['Subscription'];

export const columns: Column[] = ['due', 'today', 'waiting', 'no_answer', 'done'];
export const dispositions = [
  'settled',
  'ordered',
  'not_wanted',
  'later',
  'wrong_number',
  'machine',
  'do_not_call',
] as const;
export type Disposition = (typeof dispositions)[number];

const act = (id: Id, verb: string, body?: unknown) =>
  request<Callback>('POST', `/callbacks/${id}/${verb}`, { body });

export const callbacks = {
  list:
    (column: Column, store: Id) =>
    (cursor = '') =>
      request<Page<Callback>>('GET', '/callbacks', { query: { column, store_id: store || null, cursor } }),
  counts: (store: Id) => request<Counts>('GET', '/callback-counts', { query: { store_id: store || null } }),
  get: (id: Id) => request<Callback>('GET', `/callbacks/${id}`),
  make: (body: Partial<Schemas['NewCallback']>) => request<Callback>('POST', '/callbacks', { body }),
  next: (store: Id) => request<Callback>('POST', '/callback-next', { body: { store_id: store } }),
  accept: (id: Id) => act(id, 'accept'),
  decline: (id: Id) => act(id, 'decline', {}),
  move: (id: Id, at: string, note: string) => act(id, 'reschedule', { at, note }),
  cancel: (id: Id, reason: string) => act(id, 'cancel', { reason }),
  dispose: (id: Id, body: { disposition: Disposition; at?: string; note?: string }) =>
    act(id, 'disposition', body),
  settings: (store: Id) => request<Settings>('GET', `/stores/${store}/callback-rules`),
  setSettings: (store: Id, body: Settings) =>
    request<Settings>('PUT', `/stores/${store}/callback-rules`, { body }),
  wish: (body: Partial<Schemas['NewSubscription']>) =>
    request<Wish>('POST', '/stock-subscriptions', { body }),
};

export const myPhone = {
  get: () => request<MyPhone>('GET', '/phone/me'),
  set: (reachable: boolean, device: string) =>
    request<MyPhone>('PUT', '/phone/me', { body: { reachable, device } }),
};

/** A moment as a datetime-local field writes it, by this browser's clock. */
export function localTime(at: number): string {
  const d = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return d.toISOString().slice(0, 16);
}

/** Ten in the morning of the next day. */
export function tomorrow(now: number): number {
  const d = new Date(now);
  d.setDate(d.getDate() + 1);
  return d.setHours(10, 0, 0, 0);
}

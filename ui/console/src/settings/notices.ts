// The calls about what customers are told, and what they speak of.
import type { Id } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Policy = Schemas['InForce']['policy'];
export type Notice = Policy['notices'][number];
export type Entry = Schemas['Entry'];
export type Logged = Schemas['Logged'];
export type Explained = Schemas['Explained'];

export const notices = {
  catalogue: () => request<Schemas['NoticeCatalogue']>('GET', '/notice-catalogue'),
  policy: (store: Id) => request<Schemas['InForce']>('GET', `/stores/${store}/notice-policy`),
  save: (store: Id, body: { policy: Policy; version: number; comment?: string }) =>
    request<Schemas['InForce']>('PUT', `/stores/${store}/notice-policy`, { body }),
  play: (store: Id, body: { case?: string; order_number?: string; against_version?: number }) =>
    request<Schemas['Played']>('POST', `/stores/${store}/notice-play`, { body }),
  log: (query: { order_id?: Id; customer_id?: Id }) =>
    request<{ items: Logged[]; next: string }>('GET', '/notices', { query }),
  explain: (order: Id) =>
    request<{ items: Explained[] }>('GET', '/notices/explain', { query: { order_id: order } }),
};

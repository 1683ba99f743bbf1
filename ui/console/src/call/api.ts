// The calls about calls: what the agent's own telephone is asked for, and what it speaks of.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Call = Schemas['Call'];
export type CurrentCall = Schemas['CurrentCall'];
export type Party = Schemas['Party'];
export type PhoneLive = Schemas['Live'];
/** Whom a call is handed over to, or who is asked in: one of the three. */
export type Target = { agent_id: Id } | { queue_id: Id } | { number: string };
export type PhoneQueue = Schemas['PhoneQueue'];

const act = (id: Id, verb: string, body?: unknown) => request<Call>('POST', `/calls/${id}/${verb}`, { body });

export const calls = {
  get: (id: Id) => request<Call>('GET', `/calls/${id}`),
  /** The calls that the agent is in, asked into, or has to wrap up. */
  current: () => request<Page<CurrentCall>>('GET', '/calls/current'),
  /** Those that go on in a store. */
  going: (store: Id) =>
    request<Page<Call>>('GET', '/calls', { query: { live: true, store_id: store || null, limit: 100 } }),
  live: (store: Id) => request<PhoneLive>('GET', `/stores/${store}/phone-live`),
  answer: (id: Id) => act(id, 'answer'),
  decline: (id: Id) => act(id, 'decline'),
  leave: (id: Id) => act(id, 'leave'),
  mute: (id: Id, on: boolean) => act(id, on ? 'mute' : 'unmute'),
  transfer: (id: Id, to: Target) => act(id, 'transfer', to),
  consult: (id: Id, to: Target) => act(id, 'consult', to),
  invite: (id: Id, to: Target) => act(id, 'parties', to),
  remove: (id: Id, party: Id) => request<CurrentCall>('DELETE', `/calls/${id}/parties/${party}`),
  aside: (id: Id, verb: 'complete' | 'cancel' | 'swap' | 'join') => act(id, `consult/${verb}`),
  supervise: (id: Id, mode: string) => act(id, 'supervise', { mode }),
  hangUp: (id: Id) => act(id, 'hangup'),
  hold: (id: Id) => act(id, 'hold'),
  resume: (id: Id) => act(id, 'resume'),
  keys: (id: Id, keys: string) => act(id, 'keys', { keys }),
  wrapUp: (id: Id, disposition: string, note: string) => act(id, 'wrap-up', { disposition, note }),
  dial: (body: { store_id: Id; number?: string; customer_id?: Id; despite_wish?: boolean }) =>
    request<Call>('POST', '/calls', { body }),
  queues: (store: Id) => request<Page<PhoneQueue>>('GET', '/phone-queues', { query: { store_id: store } }),
};

/** Connects this browser's sound: its offer, and what it is answered. */
export const connect = async (offer: string) =>
  (await request<{ answer: string }>('POST', '/phone/leg', { body: { offer } })).answer;

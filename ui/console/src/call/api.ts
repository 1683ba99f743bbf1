// The calls about calls: what the agent's own telephone is asked for, and what it speaks of.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Call = Schemas['Call'];
export type PhoneQueue = Schemas['PhoneQueue'];

const act = (id: Id, verb: string, body?: unknown) => request<Call>('POST', `/calls/${id}/${verb}`, { body });

export const calls = {
  get: (id: Id) => request<Call>('GET', `/calls/${id}`),
  answer: (id: Id) => act(id, 'answer'),
  hangUp: (id: Id) => act(id, 'hangup'),
  hold: (id: Id) => act(id, 'hold'),
  resume: (id: Id) => act(id, 'resume'),
  keys: (id: Id, keys: string) => act(id, 'keys', { keys }),
  wrapUp: (id: Id, disposition: string, note: string) => act(id, 'wrap-up', { disposition, note }),
  dial: (body: { store_id: Id; number: string; customer_id?: Id }) =>
    request<Call>('POST', '/calls', { body }),
  queues: (store: Id) => request<Page<PhoneQueue>>('GET', '/phone-queues', { query: { store_id: store } }),
};

/** Connects this browser's sound: its offer, and what it is answered. */
export const connect = async (offer: string) =>
  (await request<{ answer: string }>('POST', '/phone/leg', { body: { offer } })).answer;

// The calls about addresses that must not be written to, and about what channels brought and nobody could take.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

export type OptOut = components['schemas']['OptOut'];
export type DeadArrival = components['schemas']['DeadArrival'];

export const optOuts = {
  list:
    (store: Id, q: string, channel: string) =>
    (cursor = '') =>
      request<Page<OptOut>>('GET', '/opt-outs', { query: { store_id: store, q, channel, cursor } }),
  add: (store: Id, body: { channel: string; address: string }) =>
    request<void>('POST', `/stores/${store}/opt-outs`, { body }),
  release: (o: OptOut) =>
    request<void>('POST', `/stores/${o.store_id}/opt-outs/release`, {
      body: { channel: o.channel, address: o.address },
    }),
};

export const arrivals = {
  list:
    (store: Id) =>
    (cursor = '') =>
      request<Page<DeadArrival>>('GET', '/arrivals/dead', { query: { store_id: store, cursor } }),
  retry: (id: Id) => request<void>('POST', `/arrivals/dead/${id}/retry`),
  raw: (id: Id) => `/api/v1/arrivals/dead/${id}/raw`,
};

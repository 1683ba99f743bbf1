// The calls about agents' own SIP telephones.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Handset = Schemas['Handset'];
export type Issued = Schemas['IssuedHandset'];
export type Server = Schemas['HandsetServer'];
export type Door = Schemas['SIPDoor'];

export const handsets = {
  list: (store: Id, agent: Id = 0) =>
    request<Page<Handset>>('GET', '/handsets', {
      query: { store_id: store || null, agent_id: agent || null },
    }),
  make: (body: { store_id: Id; agent_id?: Id; label: string }) =>
    request<Issued>('POST', '/handsets', { body }),
  revoke: (id: Id) => request<void>('DELETE', `/handsets/${id}`),
  server: () => request<Server>('GET', '/handset-server'),
};

/** Where a telephone is to register, as its settings ask for it. */
export const address = (d: Door, here: string): string => {
  const host = d.host || here;
  return `${host.includes(':') ? `[${host}]` : host}:${d.port}`;
};

/** What a telephone is called on the screen. */
export const called = (h: Handset): string => (h.label ? `${h.label} (${h.name})` : h.name);

// The calls about telephone queues, recording, priority and what callers hear.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type PhoneQueue = Schemas['PhoneQueue'];
export type PhoneQueueSettings = Schemas['PhoneQueueSettings'];
export type RecordingPolicy = Schemas['RecordingPolicy'];
export type Weights = Schemas['Weights'];
export type Prompt = Schemas['Prompt'];

export const phoneQueues = {
  list: (store: Id) => request<Page<PhoneQueue>>('GET', '/phone-queues', { query: { store_id: store } }),
  create: (body: PhoneQueueSettings & { store_id: Id }) =>
    request<PhoneQueue>('POST', '/phone-queues', { body }),
  change: (id: Id, body: PhoneQueueSettings) => request<PhoneQueue>('PUT', `/phone-queues/${id}`, { body }),
  remove: (id: Id) => request<void>('DELETE', `/phone-queues/${id}`),
};

const bare = <V extends object>(v: V & { $schema?: string }): V => {
  const rest = { ...v };
  delete rest.$schema;
  return rest;
};

export const phoneRules = {
  recording: async (store: Id) =>
    bare(await request<RecordingPolicy>('GET', `/stores/${store}/recording-policy`)),
  setRecording: async (store: Id, body: RecordingPolicy) =>
    bare(await request<RecordingPolicy>('PUT', `/stores/${store}/recording-policy`, { body })),
  priority: async (store: Id) => bare(await request<Weights>('GET', `/stores/${store}/call-priority`)),
  setPriority: async (store: Id, body: Weights) =>
    bare(await request<Weights>('PUT', `/stores/${store}/call-priority`, { body })),
};

export const prompts = {
  list: async (store: Id) => (await request<Page<Prompt>>('GET', `/stores/${store}/phone-prompts`)).items,
  /** What callers hear there now. Another recording has another address, or the browser would play the one before. */
  sound: (store: Id, p: Prompt) =>
    `/api/v1/stores/${store}/phone-prompt-sound?kind=${p.kind}&language=${p.language}&of=${p.id}`,
  set: (store: Id, p: Prompt, file: Blob) =>
    request<Prompt>('PUT', `/stores/${store}/phone-prompts/${p.kind}/${p.language}`, { body: file }),
  remove: (store: Id, p: Prompt) =>
    request<void>('DELETE', `/stores/${store}/phone-prompts/${p.kind}/${p.language}`),
};

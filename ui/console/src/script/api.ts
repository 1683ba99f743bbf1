// The calls about call scripts: walking through one with a customer, and writing one.
import type { Id, Language, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Script = Schemas['Script'];
export type Body = Schemas['Body'];
export type Step = Schemas['Step'];
export type Choice = Schemas['Choice'];
export type Field = Schemas['KnowField'];
export type Effect = Schemas['Effect'];
export type Effected = Schemas['Effected'];
export type Scene = Schemas['Scene'];
export type Run = Schemas['Run'];
export type Version = Schemas['ScriptVersion'];
export type Given = { answer: string; values?: Record<string, string> };
export type Text = Record<string, string>;
export type ScriptInput = { name: string; purpose?: string; active?: boolean; body: Body };
export type Beginning = Partial<Schemas['Beginning']> & { store_id: Id };

export const scripts = {
  list:
    (store: Id) =>
    (cursor = '') =>
      request<Page<Script>>('GET', '/scripts', { query: { store_id: store || null, cursor } }),
  get: (id: Id) => request<Script>('GET', `/scripts/${id}`),
  add: (store: Id, body: ScriptInput) =>
    request<Script>('POST', '/scripts', { body: { store_id: store, ...body } }),
  change: (id: Id, body: ScriptInput) => request<Script>('PUT', `/scripts/${id}`, { body }),
  retire: (id: Id) => request<void>('DELETE', `/scripts/${id}`),
  versions:
    (id: Id) =>
    (cursor = '') =>
      request<Page<Version>>('GET', `/scripts/${id}/versions`, { query: { cursor } }),
  rehearse: (store: Id, body: Body, language: string, given: Given[]) =>
    request<Scene>('POST', '/scripts/rehearsals', { body: { store_id: store, body, language, given } }),
};

export const runs = {
  begin: (body: Beginning) => request<Scene>('POST', '/script-runs', { body }),
  get: (id: Id) => request<Scene>('GET', `/script-runs/${id}`),
  of: (customer: Id) =>
    request<Page<Run>>('GET', '/script-runs', { query: { customer_id: customer, limit: 20 } }),
  answer: (id: Id, seq: number, given: Given) =>
    request<Scene>('POST', `/script-runs/${id}/answers`, { body: { seq, ...given } }),
  back: (id: Id, seq: number) => request<Scene>('POST', `/script-runs/${id}/back`, { body: { seq } }),
  finish: (id: Id) => request<void>('POST', `/script-runs/${id}/finish`),
};

/** A text in the language, or else in another one that it has. */
export function textIn(text: Text | undefined, ...wanted: (Language | string)[]): string {
  for (const l of wanted) if (text?.[l]) return text[l];
  return Object.values(text ?? {}).find(Boolean) ?? '';
}

// The calls about what customers are told, and what they speak of.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type InForce = Schemas['InForce'];
export type Policy = InForce['policy'];
export type Notice = Policy['notices'][number];
export type Entry = Schemas['Entry'];
export type Logged = Schemas['Logged'];
export type Explained = Schemas['Explained'];
export type Fact = Schemas['Fact'];
export type Compared = Schemas['Compared'];
export type PolicyVersion = Schemas['PolicyVersion'];
export type Catalogue = Schemas['NoticeCatalogue'];
export type Template = Schemas['Template'];
export type WordsOf = Schemas['WordsOf'];
export type WordsVersion = Schemas['WordsVersion'];
export type MomentWords = Schemas['MomentWords'];
export type Shown = Schemas['Shown'];
export type Filling = { order_number?: string; case?: string };

export const notices = {
  catalogue: () => request<Schemas['NoticeCatalogue']>('GET', '/notice-catalogue'),
  policy: (store: Id, version = -1) =>
    request<Schemas['InForce']>('GET', `/stores/${store}/notice-policy`, { query: { version } }),
  versions:
    (store: Id) =>
    (cursor = '') =>
      request<Page<PolicyVersion>>('GET', `/stores/${store}/notice-policy/versions`, { query: { cursor } }),
  check: (store: Id, body: Policy) => request<void>('POST', `/stores/${store}/notice-policy/check`, { body }),
  sayCondition: (when: string) =>
    request<{ text: string }>('POST', '/notice-conditions/say', { body: { when } }),
  compare: (store: Id, body: { policy?: Policy; against?: Policy; against_version?: number }) =>
    request<{ items: Compared[] }>('POST', `/stores/${store}/notice-compare`, { body }),
  save: (store: Id, body: { policy: Policy; version: number; comment?: string }) =>
    request<Schemas['InForce']>('PUT', `/stores/${store}/notice-policy`, { body }),
  play: (
    store: Id,
    body: {
      case?: string;
      order_number?: string;
      policy?: Policy;
      version?: number;
      against?: Policy;
      against_version?: number;
    },
  ) => request<Schemas['Played']>('POST', `/stores/${store}/notice-play`, { body }),
  log:
    (query: Record<string, string | number>) =>
    (cursor = '') =>
      request<Page<Logged>>('GET', '/notices', {
        query: { ...Object.fromEntries(Object.entries(query).filter(([, v]) => v)), cursor },
      }),
  explain: (order: Id) =>
    request<{ items: Explained[] }>('GET', '/notices/explain', { query: { order_id: order } }),
};

/** The words of notices. */
export const words = {
  overview: (store: Id) => request<{ items: MomentWords[] }>('GET', `/stores/${store}/notice-words/overview`),
  of: (store: Id, moment: string, language: string, version = 0) =>
    request<WordsOf>('GET', `/stores/${store}/notice-words/of`, { query: { moment, language, version } }),
  versions:
    (store: Id, moment: string, language: string) =>
    (cursor = '') =>
      request<Page<WordsVersion>>('GET', `/stores/${store}/notice-words/versions`, {
        query: { moment, language, cursor },
      }),
  save: (
    store: Id,
    body: {
      moment: string;
      language: string;
      template: Template;
      removed?: boolean;
      comment?: string;
      version: number;
    },
  ) => request<WordsOf>('PUT', `/stores/${store}/notice-words`, { body }),
  show: (
    store: Id,
    body: { language: string; moment: string; template: Template } & Filling,
    signal?: AbortSignal,
  ) => request<Shown>('POST', `/stores/${store}/notice-words/show`, { body, signal }),
  test: (
    store: Id,
    body: { channel: string; to: string; language: string; moment: string; template: Template } & Filling,
  ) => request<void>('POST', `/stores/${store}/notice-words/test`, { body }),
};

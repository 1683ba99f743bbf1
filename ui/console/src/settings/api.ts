// The calls that settings make, and what they speak of.
import type { Id, Language, Page, PresenceState, Store as DeskStore, Time } from '$lib/api';
import { request, type Options } from '$lib/api/request';

const get = <R>(path: string, query?: Options['query']) => request<R>('GET', path, { query });
const post = <R = void>(path: string, body?: unknown) => request<R>('POST', path, { body });

const put = <R = void>(path: string, body: unknown) => request<R>('PUT', path, { body });
const patch = <R = void>(path: string, body: unknown) => request<R>('PATCH', path, { body });
const del = (path: string) => request<void>('DELETE', path);
const paged =
  <R>(path: string, query?: Options['query']) =>
  (cursor = '') =>
    get<Page<R>>(path, { ...query, cursor });

// Stores

export interface Span {
  from: string;
  to: string;
}
export interface Holiday {
  date: string;
  until?: string;
  name?: string;
  hours?: Span[];
}
export interface Calendar {
  zone: string;
  always?: boolean;
  week?: Record<string, Span[]>;
  holidays?: Holiday[];
}
export type Texts = Partial<Record<Language, string>>;
export interface WidgetSettings {
  color?: string;
  position?: '' | 'left' | 'right';
  title?: Texts;
  greeting?: Texts;
  offline?: Texts;
  origins?: string[];
  disabled?: boolean;
}
export interface Store extends DeskStore {
  slug: string;
  calendar: Calendar;
  widget: WidgetSettings;
  version: number;
  created_at: Time;
}
export type StoreChange = Partial<Omit<Store, 'id' | 'created_at'>>;

export const stores = {
  list: paged<Store>('/stores'),
  get: (id: Id) => get<Store>(`/stores/${id}`),
  create: (body: StoreChange) => post<Store>('/stores', body),
  change: (id: Id, body: StoreChange) => patch<Store>(`/stores/${id}`, body),
  archive: (id: Id) => del(`/stores/${id}`),
  secret: async (id: Id) => (await post<{ secret: string }>(`/stores/${id}/identity-secret`)).secret,
  rotateSecret: async (id: Id) =>
    (await post<{ secret: string }>(`/stores/${id}/identity-secret/rotate`)).secret,
  dropOldSecret: (id: Id) => del(`/stores/${id}/identity-secret/old`),
};

// Routing

export interface Skill {
  kind: 'channel' | 'language' | 'topic' | 'store';
  value: string;
}
export interface Queue {
  id: Id;
  store_id: Id;
  name: string;
  channels: string[];
  skills: Skill[];
  team_id: Id;
  first_response_s: number;
  position: number;
}
export interface NamedRow {
  id: Id;
  store_id: Id;
  name: string;
  department_id?: Id;
}

export const queues = {
  list: (store: Id) => paged<Queue>('/queues', { store_id: store }),
  create: (body: Omit<Queue, 'id'>) => post<Queue>('/queues', body),
  change: (id: Id, body: Partial<Queue>) => patch<Queue>(`/queues/${id}`, body),
  remove: (id: Id) => del(`/queues/${id}`),
};

/** A saved reply: what is said, by language. */
export interface Macro {
  id: Id;
  store_id: Id;
  name: string;
  bodies: Record<string, string>;
}
export const macros = {
  list: (store: Id) => paged<Macro>('/macros', { store_id: store }),
  variables: () => get<{ items: string[] }>('/macro-variables'),
  create: (body: Omit<Macro, 'id'>) => post<Macro>('/macros', body),
  change: (id: Id, body: Partial<Macro>) => patch<Macro>(`/macros/${id}`, body),
  remove: (id: Id) => del(`/macros/${id}`),
};

/** Tags come into being by use. */
export const tags = { list: (store: Id) => paged<NamedRow>('/tags', { store_id: store }) };
/** Lists of names: topics, departments. */
export const names = (kind: 'topics' | 'departments') => ({
  list: (store: Id) => paged<NamedRow>(`/${kind}`, { store_id: store }),
  create: (body: { store_id: Id; name: string; department_id?: Id }) => post<NamedRow>(`/${kind}`, body),
  change: (id: Id, body: { name?: string; department_id?: Id }) => patch<NamedRow>(`/${kind}/${id}`, body),
  remove: (id: Id) => del(`/${kind}/${id}`),
});

// People

export type Role = 'administrator' | 'supervisor' | 'agent' | 'clerk' | 'client';
export const roles: Role[] = ['administrator', 'supervisor', 'agent', 'clerk', 'client'];
export interface Membership {
  store_id: Id;
  role: Role;
  department_id?: Id;
}
export interface Capacity {
  channel: string;
  max_open: number;
}
export interface Person {
  id: Id;
  name: string;
  email: string;
  language: Language;
  active: boolean;
  owner: boolean;
  invited: boolean;
  memberships: Membership[];
  skills: Skill[];
  capacities: Capacity[];
  presence: PresenceState;
  created_at: Time;
}
export interface Invitation {
  url: string;
  token: string;
  expires_at: Time;
}
export type PersonChange = Partial<
  Pick<Person, 'name' | 'email' | 'language' | 'active' | 'memberships' | 'skills' | 'capacities'>
>;
export interface Team {
  id: Id;
  store_id: Id;
  department_id: Id;
  name: string;
  agent_ids: Id[];
}

export const people = {
  list: (query: { store_id?: Id; inactive?: boolean }) => paged<Person>('/agents', query),
  get: (id: Id) => get<Person>(`/agents/${id}`),
  invite: (body: PersonChange) => post<{ agent: Person; invitation: Invitation }>('/agents', body),
  change: (id: Id, body: PersonChange) => patch<Person>(`/agents/${id}`, body),
  inviteAgain: (id: Id) => post<Invitation>(`/agents/${id}/invitation`),
  roles: () => get<{ items: { role: Role; permissions: string[] }[] }>('/roles'),
};
export const teams = {
  list: (store: Id) => paged<Team>('/teams', { store_id: store }),
  create: (body: { store_id: Id; name: string; department_id?: Id; agent_ids?: Id[] }) =>
    post<Team>('/teams', body),
  change: (id: Id, body: { name?: string; department_id?: Id; agent_ids?: Id[] }) =>
    patch<Team>(`/teams/${id}`, body),
  remove: (id: Id) => del(`/teams/${id}`),
};

// Sign-ins, keys, the log

export interface Session {
  id: Id;
  ip: string;
  user_agent: string;
  created_at: Time;
  seen_at: Time;
  current: boolean;
}
export const sessions = {
  list: paged<Session>('/me/sessions'),
  end: (id: Id) => del(`/me/sessions/${id}`),
};

export interface ApiKey {
  id: Id;
  store_id: Id;
  name: string;
  hint: string;
  scopes: string[];
  created_at: Time;
  last_used_at: Time | null;
}
export const keys = {
  list: (store: Id) => paged<ApiKey>('/keys', { store_id: store }),
  create: (body: { store_id: Id; name: string; scopes: string[] }) =>
    post<{ key: ApiKey; secret: string }>('/keys', body),
  revoke: (id: Id) => del(`/keys/${id}`),
};

export interface Audited {
  id: Id;
  store_id: Id;
  actor_kind: string;
  actor_id: Id;
  actor_name: string;
  action: string;
  subject_id: Id;
  subject_name: string;
  before: unknown;
  after: unknown;
  ip: string;
  created_at: Time;
}
export const audit = {
  list: (query: { store_id?: Id }) => paged<Audited>('/audit', query),
};

export interface DeadJob {
  id: Id;
  store_id: Id;
  kind: string;
  key: string;
  event_id: Id;
  payload: unknown;
  attempts: number;
  last_error: string;
  failed_at: Time;
  created_at: Time;
}
export const deadJobs = {
  list: (store?: Id) => paged<DeadJob>('/jobs/dead', { store_id: store }),
  retry: (id: Id) => post(`/jobs/dead/${id}/retry`),
  drop: (id: Id) => post(`/jobs/dead/${id}/discard`),
};

// Outgoing webhooks

export interface Webhook {
  id: Id;
  store_id: Id;
  url: string;
  description: string;
  events: string[];
  active: boolean;
  disabled_reason: string;
  failing_since_at: Time | null;
  created_at: Time;
  secret?: string;
}
export interface WebhookInput {
  url: string;
  description?: string;
  events?: string[];
  active?: boolean;
}
export interface Delivery {
  id: Id;
  type: string;
  body: string;
  state: 'waiting' | 'delivered' | 'failed';
  attempts: number;
  status: number;
  answer: string;
  took_ms: number;
  created_at: Time;
  attempted_at: Time | null;
}
export const webhooks = {
  events: () => get<Page<string>>('/webhooks/events'),
  list: (store: Id) => paged<Webhook>('/webhooks', { store_id: store }),
  get: (id: Id) => get<Webhook>(`/webhooks/${id}`),
  create: (body: { store_id: Id } & WebhookInput) => post<Webhook>('/webhooks', body),
  change: (id: Id, body: WebhookInput) => put<Webhook>(`/webhooks/${id}`, body),
  remove: (id: Id) => del(`/webhooks/${id}`),
  rotate: async (id: Id) => (await post<{ secret: string }>(`/webhooks/${id}/rotate`)).secret,
  deliveries: (id: Id) => paged<Delivery>(`/webhooks/${id}/deliveries`),
  replay: (delivery: Id) => post(`/deliveries/${delivery}/replay`),
};

// Files

export type ImportKind = 'customer' | 'product' | 'order';
export interface ImportFormat {
  encoding: 'utf-8' | 'utf-16' | 'windows-1251';
  separator: ',' | ';' | 'tab';
  decimal: '.' | 'comma';
  dates: 'ymd' | 'dmy' | 'mdy';
}
export interface FileImport {
  id: Id;
  store_id: Id;
  connection_id: Id;
  kind: ImportKind;
  file_name: string;
  format: ImportFormat;
  /** Field to column, from 0. */
  mapping: Record<string, number>;
  state: 'uploaded' | 'checking' | 'checked' | 'running' | 'done' | 'failed';
  rows: number;
  done: number;
  created: number;
  updated: number;
  unchanged: number;
  errors: number;
  reason: string;
  created_at: Time;
  header?: string[];
  sample?: string[][];
}
export const imports = {
  upload: (connection: Id, kind: ImportKind, file: File) => {
    const body = new FormData();
    body.append('file', file);
    return request<FileImport>('POST', '/imports', { query: { connection_id: connection, kind }, body });
  },
  get: (id: Id) => get<FileImport>(`/imports/${id}`),
  run: (id: Id, body: { dry_run: boolean; format?: ImportFormat; mapping?: Record<string, number> }) =>
    post<FileImport>(`/imports/${id}/run`, body),
  /** The refused rows as a CSV file: row, field and error in front of the cells. */
  errors: (id: Id) => get<string>(`/imports/${id}/errors`),
  errorsFile: (id: Id) => `/api/v1/imports/${id}/errors`,
};

// Connections

export interface PlugField {
  name: string;
  kind: 'text' | 'secret' | 'url' | 'number' | 'bool' | 'choice';
  required: boolean;
  choices?: string[];
  default?: string;
}
export interface Plug {
  name: string;
  port: 'shop' | 'channel' | 'carrier';
  /** The medium that a channel speaks. */
  channel?: string;
  fields: PlugField[];
}
export type ConnectionState = 'ok' | 'degraded' | 'auth_failed' | 'paused';
export interface Connection {
  id: Id;
  store_id: Id;
  plug: string;
  name: string;
  settings: Record<string, unknown>;
  secrets_set: string[];
  hook_url: string;
  state: ConnectionState;
  state_reason: string;
  state_at: Time;
  version: number;
}
export interface ConnectionChange {
  name?: string;
  settings?: Record<string, unknown>;
  paused?: boolean;
}
export interface PeerInfo {
  name: string;
  version: string;
  currency: string;
  time_zone: string;
  url: string;
  writable: boolean;
  records?: DNSRecord[];
}
/** What other servers look for in the DNS when they get a mailbox's letters. */
export interface DNSRecord {
  kind: 'spf' | 'dkim' | 'dmarc';
  name: string;
  state: 'ok' | 'add' | 'change' | 'unknown';
  found: string;
  want: string;
}
export interface HookStatus {
  topic: string;
  active: boolean;
  revived: boolean;
}
export interface Progress {
  kind: string;
  records: number;
  total: number;
  done: boolean;
  read_at: Time | null;
}
export interface Sync {
  phase: 'idle' | 'importing' | 'live' | 'paused';
  state: ConnectionState;
  failures: number;
  import_started_at: Time | null;
  import_ended_at: Time | null;
  progress: Progress[] | null;
  polled_at: Time | null;
  hooks: {
    supported: boolean;
    url: string;
    topics: HookStatus[] | null;
    checked_at: Time | null;
    latest_at: Time | null;
    last_day: number;
    refused: number;
    revived: number;
    error: string;
  };
}
export interface Status {
  raw: string;
  order_state: string;
  payment_state: string;
  fulfilment_state: string;
  source: 'plug' | 'admin' | 'unknown';
  seen: number;
  first_seen_at: Time | null;
}
export const connections = {
  plugs: () => get<{ items: Plug[] }>('/plugs'),
  list: (store?: Id) => paged<Connection>('/connections', { store_id: store }),
  get: (id: Id) => get<Connection>(`/connections/${id}`),
  create: (body: { store_id: Id; plug: string } & ConnectionChange) => post<Connection>('/connections', body),
  change: (id: Id, body: ConnectionChange) => patch<Connection>(`/connections/${id}`, body),
  remove: (id: Id) => del(`/connections/${id}`),
  test: (id: Id) => post<PeerInfo>(`/connections/${id}/test`),
  rotate: (id: Id) => post<Connection>(`/connections/${id}/rotate`),
  sync: (id: Id) => get<Sync>(`/connections/${id}/sync`),
  startSync: (id: Id) => post<Sync>(`/connections/${id}/sync`),
  registerHooks: (id: Id) => post<Sync>(`/connections/${id}/hooks`),
  disconnect: (id: Id, erase: boolean) =>
    post<unknown>(`/connections/${id}/disconnect${erase ? '?erase=true' : ''}`),
  statuses: (id: Id) => get<Page<Status>>('/statuses', { connection_id: id }),
  mapStatus: (id: Id, body: Pick<Status, 'raw' | 'order_state' | 'payment_state' | 'fulfilment_state'>) =>
    put<void>('/statuses', { connection_id: id, ...body }),
};

// The calls of departments' tasks, and what they speak of.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Task = Schemas['Task'];
export type TaskNote = Schemas['TaskNote'];
export type TaskCounts = Schemas['TaskCounts'];
type Narrow = {
  store_id?: Id;
  department_id?: Id;
  mine?: boolean;
  free?: boolean;
  late?: boolean;
  over?: boolean;
};

const act = (id: Id, what: string, body?: unknown) =>
  request<Task>('POST', `/tasks/${id}/${what}`, body === undefined ? {} : { body });

export const tasks = {
  list:
    (query: Narrow) =>
    (cursor = '') =>
      request<Page<Task>>('GET', '/tasks', { query: { ...query, cursor } }),
  counts: (query: { store_id?: Id; department_id?: Id }) =>
    request<TaskCounts>('GET', '/tasks/counts', { query }),
  create: (body: {
    store_id: Id;
    title: string;
    department_id?: Id;
    order_id?: Id;
    conversation_id?: Id;
    assignee_id?: Id;
    deadline_at?: string;
  }) => request<Task>('POST', '/tasks', { body }),
  take: (id: Id) => act(id, 'take'),
  give: (id: Id, agent: Id) => act(id, 'give', { agent_id: agent }),
  move: (id: Id, body: { department_id?: Id; deadline_at?: string }) => act(id, 'move', body),
  comment: (id: Id, body: string) => act(id, 'notes', { body }),
  finish: (id: Id, note: string) => act(id, 'finish', { note }),
  reopen: (id: Id) => act(id, 'reopen'),
  notes: (id: Id) => request<{ items: TaskNote[] }>('GET', `/tasks/${id}/notes`),
};

// What is recorded of calls, and the drawing of it.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Recording = Schemas['Recording'];
export type Hearing = Schemas['Hearing'];

export const recordings = {
  list:
    (query: Record<string, string | number | null>) =>
    (cursor = '') =>
      request<Page<Recording>>('GET', '/recordings', { query: { ...query, cursor } }),
  hearings:
    (id: Id) =>
    (cursor = '') =>
      request<Page<Hearing>>('GET', `/recordings/${id}/hearings`, { query: { cursor, limit: 20 } }),
  remove: (id: Id, reason: string) => request<void>('DELETE', `/recordings/${id}`, { query: { reason } }),
  of: (call: Id) => request<Page<Recording>>('GET', `/calls/${call}/recordings`),
  /** Says that it is going to be heard, which is written down, and returns where the sound is. */
  hear: async (id: Id) => {
    const hearing = await request<{ id: Id }>('POST', `/recordings/${id}/hearings`);
    return `/api/v1/recordings/${id}/sound?hearing=${hearing.id}`;
  },
  file: (id: Id) => `/api/v1/recordings/${id}/sound?download=true`,
};

export type Verb = 'start' | 'stop' | 'pause' | 'resume';

/** What is done with the recording of a call under way. */
export const tape = {
  policy: (store: Id) => request<Schemas['RecordingPolicy']>('GET', `/stores/${store}/recording-policy`),
  act: (call: Id, verb: Verb) => request<Schemas['Call']>('POST', `/calls/${call}/recording/${verb}`),
};

export const speeds = [1, 1.5, 2] as const;

/** 75 seconds: 1:15. */
export function length(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const hours = Math.floor(s / 3600);
  const rest = String(s % 60).padStart(2, '0');
  const minutes = Math.floor((s % 3600) / 60);
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** A channel as one path of bars in a box `width` x `height`; quiet talk is drawn larger, silence stays a line. */
export function bars(peaks: readonly number[], width: number, height: number): string {
  const most = Math.max(20, ...peaks);
  const step = width / Math.max(1, peaks.length);
  return peaks
    .map((p, i) => {
      const h = Math.max(1, (p / most) * height);
      return `M${((i + 0.5) * step).toFixed(1)} ${((height - h) / 2).toFixed(1)}v${h.toFixed(1)}`;
    })
    .join('');
}

/** No more bars than a narrow drawing can show: each is the loudest of those that it stands for. */
export function thinned(peaks: readonly number[], most: number): number[] {
  const each = Math.ceil(peaks.length / most);
  if (each <= 1) return [...peaks];
  const out: number[] = [];
  for (let i = 0; i < peaks.length; i += each) out.push(Math.max(...peaks.slice(i, i + each)));
  return out;
}

/** Where a key leads to; undefined: the key means nothing here. */
export function jump(key: string, at: number, end: number): number | undefined {
  const by: Record<string, number> = {
    ArrowLeft: -5,
    ArrowDown: -5,
    ArrowRight: 5,
    ArrowUp: 5,
    PageDown: -15,
    PageUp: 15,
    Home: -Infinity,
    End: Infinity,
  };
  const n = by[key];
  return n === undefined ? undefined : Math.min(end, Math.max(0, at + n));
}

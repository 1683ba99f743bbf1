// Requests to the program. A refusal comes back as a Problem with words for the visitor; a network that fails, as a TypeError.
import type { Host, Session } from './contract';
import { language, t } from './text';

export class Problem extends Error {
  constructor(
    public status: number,
    detail: string,
    public field?: string,
  ) {
    super(detail);
  }
}

export class Api {
  identity: unknown;
  #renewing?: Promise<Session>;

  #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  get base() {
    return this.#host.base;
  }

  headers() {
    return { 'Accept-Language': language, ...(this.#host.memory.token && { Authorization: 'Bearer ' + this.#host.memory.token }) };
  }

  // A session is opened with each page's first need, and again when the program no longer knows the token.
  session(): Promise<Session> {
    return (this.#renewing ||= this.#call<Session>('POST', 'session', {
      store: this.#host.store,
      token: this.#host.memory.token,
      identity: this.identity,
      language,
      page: here(),
    })
      .then((s) => {
        this.#host.memory.token = s.token;
        this.#host.keep();
        return s;
      })
      .finally(() => (this.#renewing = undefined)));
  }

  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
      return await this.#call<T>(method, path, body);
    } catch (e) {
      if (!(e instanceof Problem) || e.status !== 401) throw e;
      await this.session();
      return this.#call<T>(method, path, body);
    }
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 2e4);
    try {
      const headers = { ...this.headers(), ...(body ? { 'Content-Type': 'application/json' } : {}) };
      const r = await fetch(this.base + 'widget/v1/' + path, { method, headers, body: body ? JSON.stringify(body) : undefined, signal: stop.signal, credentials: 'omit' });
      return answer<T>(r.status, await r.text());
    } finally {
      clearTimeout(timer);
    }
  }
}

export function answer<T>(status: number, text: string): T {
  let v: any = {};
  try {
    v = JSON.parse(text || '{}');
  } catch {
    // a proxy's own page
  }
  if (status >= 200 && status < 300) return v;
  // What a gateway says in place of the program is as good as no network.
  if (!v.code && status >= 500) throw new TypeError();
  throw new Problem(status, v.detail || t('failed'), v.errors?.[0].field);
}

export const here = () => ({ url: location.href.slice(0, 1000), title: document.title.slice(0, 200) });

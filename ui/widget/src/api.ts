// Requests to the program. A refusal comes back as a Problem with words for the visitor; a network that fails, as a TypeError.
import type { Attachment, Host, Session } from './contract';
import { language, t } from './text';

export class Problem extends Error {
  constructor(
    public status: number,
    detail: string,
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
      const headers: Record<string, string> = { 'Accept-Language': language };
      if (body) headers['Content-Type'] = 'application/json';
      if (this.#host.memory.token) headers.Authorization = 'Bearer ' + this.#host.memory.token;
      const r = await fetch(this.#host.base + 'widget/v1/' + path, { method, headers, body: body ? JSON.stringify(body) : undefined, signal: stop.signal, credentials: 'omit' });
      return answer<T>(r.status, await r.text());
    } finally {
      clearTimeout(timer);
    }
  }

  // fetch can't tell how far an upload is.
  upload(file: File, progress: (share: number) => void, stop: AbortSignal): Promise<Attachment> {
    return new Promise((done, fail) => {
      const x = new XMLHttpRequest();
      x.open('POST', this.#host.base + 'widget/v1/uploads');
      x.setRequestHeader('Authorization', 'Bearer ' + this.#host.memory.token);
      x.setRequestHeader('Accept-Language', language);
      x.upload.onprogress = (e) => progress(e.loaded / (e.total || 1));
      x.onload = () => {
        try {
          done(answer<Attachment>(x.status, x.responseText));
        } catch (e) {
          fail(e);
        }
      };
      x.onerror = x.ontimeout = () => fail(new TypeError());
      stop.onabort = () => x.abort();
      const form = new FormData();
      form.append('file', file, file.name);
      x.send(form);
    });
  }
}

function answer<T>(status: number, text: string): T {
  let v: any = {};
  try {
    v = JSON.parse(text || '{}');
  } catch {
    // a proxy's own page
  }
  if (status >= 200 && status < 300) return v;
  // What a gateway says in place of the program is as good as no network.
  if (!v.code && status >= 500) throw new TypeError();
  throw new Problem(status, v.detail || t('failed'));
}

export const here = () => ({ url: location.href.slice(0, 1000), title: document.title.slice(0, 200) });

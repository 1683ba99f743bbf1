// The one way to the API: adds the CSRF token, turns every failure into a Problem, tells the session when it ended.

export interface FieldProblem {
  field: string;
  code: string;
  message: string;
  /** Where in a text that is checked, such as a template or a condition. */
  line?: number;
  column?: number;
}

/** A refusal in the words of RFC 9457. `code` is stable; `detail` is already in the agent's language. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldProblem[] = [],
  ) {
    super(detail || code);
  }
  /** The server was not reached: the same request may be sent again later. */
  get unreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
  field(name: string): string | undefined {
    return this.errors.find((e) => e.field === name)?.message;
  }
}

const wire = { csrf: '', language: 'en', onSignedOut: () => {}, onReach: (_ok: boolean) => {} };

export function configure(change: Partial<typeof wire>): void {
  Object.assign(wire, change);
}

type Query = Record<string, string | number | boolean | null | undefined>;
export interface Options {
  query?: Query;
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
}

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': wire.language };
  if (method !== 'GET' && wire.csrf) headers['X-CSRF-Token'] = wire.csrf;
  if (options.key) headers['Idempotency-Key'] = options.key;
  let body: BodyInit | undefined;
  if (options.body instanceof FormData) {
    body = options.body;
  } else if (options.body instanceof Blob) {
    headers['Content-Type'] = options.body.type || 'application/octet-stream';
    body = options.body;
  } else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json';
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch('/api/v1' + path + search(options.query), {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: 'same-origin',
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    wire.onReach(false);
    throw new Problem(0, 'network', '');
  }
  wire.onReach(true);
  if (response.ok) {
    const text = await response.text();
    const json = (response.headers.get('Content-Type') ?? '').includes('json');
    return (text ? (json ? JSON.parse(text) : text) : undefined) as T;
  }
  const problem = await problemOf(response);
  if (response.status === 401 && path !== '/session' && path !== '/me') wire.onSignedOut();
  throw problem;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const p = await response.json();
    return new Problem(response.status, p.code ?? '', p.detail ?? p.title ?? '', p.errors ?? []);
  } catch {
    return new Problem(response.status, 'http.' + response.status, '');
  }
}

function search(query?: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text && '?' + text;
}

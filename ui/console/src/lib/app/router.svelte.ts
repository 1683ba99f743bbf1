// Addresses of the desk, on the History API. A route is a name and a pattern; the page that shows it is in shell/pages.ts.

const base = import.meta.env.BASE_URL.replace(/\/$/, '');

const patterns = {
  signIn: '/sign-in',
  setUp: '/setup',
  invitation: '/invitation',
  inbox: '/inbox/:view?/:id?',
  customer: '/customers/:id',
  customers: '/customers',
  order: '/orders/:id',
  stock: '/stock',
  work: '/work/:what?',
  callbacks: '/callbacks',
  calls: '/calls',
  recordings: '/recordings',
  settings: '/settings/:section?/:id?',
} as const;

export type RouteName = keyof typeof patterns;
export type RouteParams = Record<string, string>;
export interface Place {
  name: RouteName | 'none';
  params: RouteParams;
  query: URLSearchParams;
}

/** Finds the route of a path below the base; '/' is the inbox. */
export function resolve(path: string, search = ''): Place {
  const parts = path.split('/').filter(Boolean).map(decode);
  const query = new URLSearchParams(search);
  if (parts.length === 0) return { name: 'inbox', params: {}, query };
  for (const [name, pattern] of Object.entries(patterns)) {
    const params = match(pattern, parts);
    if (params) return { name: name as RouteName, params, query };
  }
  return { name: 'none', params: {}, query };
}

function match(pattern: string, parts: string[]): RouteParams | undefined {
  const wanted = pattern.split('/').filter(Boolean);
  if (parts.length > wanted.length) return undefined;
  const params: RouteParams = {};
  for (const [i, want] of wanted.entries()) {
    const have = parts[i];
    if (!want.startsWith(':')) {
      if (have !== want) return undefined;
    } else if (have !== undefined) {
      params[want.replace(/[:?]/g, '')] = have;
    } else if (!want.endsWith('?')) {
      return undefined;
    }
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a route, with the base, ready for an href. */
export function href(
  name: RouteName,
  params: Record<string, string | number | undefined> = {},
  query?: Record<string, string | undefined>,
): string {
  const parts: string[] = [];
  for (const part of patterns[name].split('/').filter(Boolean)) {
    if (!part.startsWith(':')) parts.push(part);
    else {
      const value = params[part.replace(/[:?]/g, '')];
      if (value === undefined || value === '') break;
      parts.push(encodeURIComponent(value));
    }
  }
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) if (value) search.set(key, value);
  const tail = search.toString();
  return `${base}/${parts.join('/')}${tail ? '?' + tail : ''}`;
}

function here(): Place {
  const path = location.pathname;
  return resolve(path.startsWith(base) ? path.slice(base.length) : path, location.search);
}

let place = $state.raw<Place>(here());

export const router = {
  get place(): Place {
    return place;
  },
  get name(): Place['name'] {
    return place.name;
  },
  get params(): RouteParams {
    return place.params;
  },
  get query(): URLSearchParams {
    return place.query;
  },
};

let shown = location.pathname + location.search;
let guard: ((leave: () => void) => boolean) | undefined;

/** Lets a form with unsaved changes hold back every move; `ask` says whether to go at once, or keeps `leave` for later. */
export function guardLeaving(ask: (leave: () => void) => boolean): () => void {
  guard = ask;
  return () => (guard = undefined);
}

/** Moves to an address made by href. `replace` leaves no step to go back to. */
export function go(address: string, replace = false): void {
  if (address === location.pathname + location.search) return;
  if (guard && !guard(() => move(address, replace))) return;
  move(address, replace);
}

function move(address: string, replace: boolean): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  arrive();
}

function arrive(): void {
  place = here();
  shown = location.pathname + location.search;
}

/** Makes plain links and the Back button move inside the desk. Returns the undoing. */
export function startRouter(): () => void {
  const onPop = () => {
    const wanted = location.pathname + location.search;
    if (guard && wanted !== shown && !guard(() => move(wanted, false))) history.pushState(null, '', shown);
    else arrive();
  };
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname !== base && !link.pathname.startsWith(base + '/')) return;
    event.preventDefault();
    go(link.pathname + link.search);
  };
  addEventListener('popstate', onPop);
  document.addEventListener('click', onClick);
  arrive();
  return () => {
    removeEventListener('popstate', onPop);
    document.removeEventListener('click', onClick);
  };
}

// Who sits at this desk: the agent, what he may do, the stores he serves, his presence, theme and language.
import {
  invitations,
  session as calls,
  setup as setupCalls,
  Problem,
  type Id,
  type Language,
  type Me,
  type PresenceState,
  type SetUp,
  type Store,
  type Theme,
} from '$lib/api';
import { configure } from '$lib/api/request';
import { browserLanguage, setLanguage } from '$lib/i18n/index.svelte';
import { commands } from './commands.svelte';
import { keep, recall } from './keep';
import { toastFailure } from './toasts.svelte';

const none: Store[] = [];
const nothing: string[] = [];
type Phase = 'starting' | 'setup' | 'signed-out' | 'ready' | 'unreachable';

let phase = $state<Phase>('starting');
let me = $state.raw<Me | null>(null);
// Who looks at these isn't to begin anew with every word about the agent's presence: what is being written in a form would be lost.
const stores = $derived(me?.stores ?? none);
const permissions = $derived(me?.permissions ?? nothing);
let storeId = $state<Id>(recall('store', 0));
let theme = $state<Theme>(recall('theme', 'system'));
const heartbeatMs = 30_000;

export const session = {
  get phase(): Phase {
    return phase;
  },
  get me(): Me {
    if (!me) throw new Error('nobody is signed in');
    return me;
  },
  get permissions(): string[] {
    return permissions;
  },
  get stores(): Store[] {
    return stores;
  },
  /** The store looked at, or 0 for all. */
  get storeId(): Id {
    return storeId;
  },
  get theme(): Theme {
    return theme;
  },
  store(id: Id): Store | undefined {
    return stores.find((s) => s.id === id);
  },
  /** Whether the agent holds a permission; screens hide what he can't do, the server decides. */
  can(permission: string): boolean {
    return permissions.includes(permission);
  },
  lookAt(id: Id): void {
    storeId = id;
    keep('store', id);
  },
};

/** Finds out whether someone is signed in, or whether the house is still empty. */
export async function start(): Promise<void> {
  phase = 'starting';
  configure({ onSignedOut: () => void leave() });
  await speak(recall<Language>('language', browserLanguage()));
  try {
    await enter(await calls.me());
  } catch (cause) {
    if (!(cause instanceof Problem) || cause.unreachable) {
      phase = 'unreachable';
      return;
    }
    const { needed } = await setupCalls.needed().catch(() => ({ needed: false }));
    phase = needed ? 'setup' : 'signed-out';
  }
}

/** Asks again who this is: after stores came, went or were renamed. */
export async function renew(): Promise<void> {
  me = await calls.me();
  configure({ csrf: me.csrf_token });
}

export async function signIn(email: string, password: string): Promise<void> {
  await enter(await calls.signIn(email, password));
}

export async function accept(invitation: string, password: string): Promise<void> {
  await enter(await invitations.accept(invitation, password));
}

export async function setUp(answers: SetUp): Promise<void> {
  await enter(await setupCalls.run(answers));
}

export async function signOut(): Promise<void> {
  await calls.signOut().catch(toastFailure);
  leave();
}

function leave(): void {
  me = null;
  clearInterval(pulse);
  configure({ csrf: '' });
  phase = 'signed-out';
}

let pulse: ReturnType<typeof setInterval> | undefined;

async function enter(entering: Me): Promise<void> {
  me = entering;
  configure({ csrf: entering.csrf_token });
  commands.remap(entering.agent.keymap ?? {});
  if (storeId && !entering.stores.some((s) => s.id === storeId)) session.lookAt(0);
  showTheme(entering.agent.theme || theme);
  await speak(entering.agent.language || browserLanguage());
  phase = 'ready';
  clearInterval(pulse);
  pulse = setInterval(() => void calls.heartbeat().catch(() => {}), heartbeatMs);
}

async function speak(language: Language): Promise<void> {
  configure({ language });
  keep('language', language);
  await setLanguage(language);
}

/** Changes the language here at once and, when signed in, for the agent everywhere. */
export async function chooseLanguage(language: Language): Promise<void> {
  await speak(language);
  change({ language });
}

export function chooseTheme(chosen: Theme): void {
  showTheme(chosen);
  change({ theme: chosen });
}

export function chooseKeys(keymap: Record<string, string>): void {
  commands.remap(keymap);
  change({ keymap });
}

export async function rename(name: string): Promise<void> {
  await calls.change({ name });
  if (me) me = { ...me, agent: { ...me.agent, name } };
}

function change(part: Partial<Me['agent']>): void {
  if (!me) return;
  me = { ...me, agent: { ...me.agent, ...part } };
  calls.change(part).catch(toastFailure);
}

/** Takes the presence at once; a refusal puts the old one back. */
export async function setPresence(state: PresenceState): Promise<void> {
  if (!me || me.presence.state === state) return;
  const before = me.presence;
  hearPresence(me.agent.id, state);
  try {
    await calls.setPresence(state);
  } catch (cause) {
    if (me) me = { ...me, presence: before };
    toastFailure(cause);
  }
}

/** The server's word about somebody's presence; it matters here when it is this agent's. */
export function hearPresence(agentId: Id, state: PresenceState): void {
  if (!me || me.agent.id !== agentId || me.presence.state === state) return;
  me = { ...me, presence: { state, since_at: new Date().toISOString() } };
}

const dark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined;

function showTheme(chosen: Theme): void {
  theme = chosen;
  keep('theme', chosen);
  const isDark = chosen === 'dark' || (chosen === 'system' && dark?.matches);
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}
dark?.addEventListener('change', () => showTheme(theme));

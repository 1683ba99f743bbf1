// A form's values while they are being edited: what has changed, what the server said of each field, and the guard that asks
// before changes are left behind.
import { Problem } from '$lib/api';
import { guardLeaving } from '$lib/app/router.svelte';
import { toast } from '$lib/app/toasts.svelte';
import { t } from '$lib/i18n/index.svelte';

const open = new Set<Draft<object>>();
let waiting = $state.raw<(() => void) | undefined>();
let answered: (() => void) | undefined; // the question closes before its answer runs

export class Draft<V extends object> {
  value = $state() as V;
  busy = $state(false);
  problem = $state.raw<unknown>();
  #clean = $state('');
  #named = new Set<string>();

  constructor(initial: V) {
    this.value = initial;
    this.#clean = JSON.stringify(initial);
    $effect(() => {
      open.add(this as Draft<object>);
      return () => void open.delete(this as Draft<object>);
    });
  }
  get dirty(): boolean {
    return JSON.stringify(this.value) !== this.#clean;
  }
  /** Takes what the server has now as the unchanged state. */
  reset(to?: V): void {
    this.value = to ?? (JSON.parse(this.#clean) as V);
    this.#clean = JSON.stringify(this.value);
    this.problem = undefined;
  }
  /** What the server said about a field; asking for it means that the form shows it beside the field. */
  error(field: string): string | undefined {
    this.#named.add(field);
    return this.problem instanceof Problem ? this.problem.field(field) : undefined;
  }
  /** Errors of fields that the form doesn't show one by one. */
  get rest(): string[] {
    if (!(this.problem instanceof Problem)) return [];
    return this.problem.errors
      .filter((e) => !this.#named.has(e.field))
      .map((e) => `${e.field}: ${e.message}`);
  }
  /** Saves; the answer, if there is one, becomes the unchanged state. Returns whether it worked. */
  async save(call: (value: V) => Promise<V | void>, said: string = t('settings.saved')): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.problem = undefined;
    const sent = $state.snapshot(this.value) as V;
    try {
      const answer = await call(sent);
      if (answer) this.reset(answer);
      else this.#clean = JSON.stringify(sent);
      if (said) toast(said, { tone: 'good' });
      return true;
    } catch (cause) {
      this.problem = cause;
      setTimeout(() => document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus(), 0);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

const dirty = () => [...open].some((d) => d.dirty && !d.busy);

/** Does it at once, or after the agent has agreed to lose what he changed. */
export function leaving(go: () => void): void {
  if (dirty()) waiting = go;
  else go();
}

export const unsaved = {
  get asking(): boolean {
    return waiting !== undefined;
  },
  set asking(now: boolean) {
    if (now) return;
    answered = waiting;
    waiting = undefined;
  },
  discard(): void {
    const go = answered;
    answered = undefined;
    for (const d of open) d.reset();
    go?.();
  },
};

/** Watches over every way out: links, the Back button, closing the tab. Returns the undoing. */
export function startGuard(): () => void {
  const release = guardLeaving((go) => {
    if (!dirty()) return true;
    waiting = go;
    return false;
  });
  const onUnload = (event: BeforeUnloadEvent) => {
    if (dirty()) event.preventDefault();
  };
  addEventListener('beforeunload', onUnload);
  return () => {
    release();
    removeEventListener('beforeunload', onUnload);
  };
}

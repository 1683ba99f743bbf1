// Short words after an act, with the way back where there is one.
import { Problem } from '$lib/api';
import { t } from '$lib/i18n/index.svelte';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  undo?: () => void;
}

let shown = $state.raw<Toast[]>([]);
let last = 0;
const timers = new Map<number, ReturnType<typeof setTimeout>>();

export const toasts = {
  get shown(): Toast[] {
    return shown;
  },
  drop(id: number): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
    shown = shown.filter((x) => x.id !== id);
  },
  /** Undoes the latest act that can be undone. */
  undoLatest(): void {
    const latest = shown.findLast((x) => x.undo);
    if (!latest) return;
    toasts.drop(latest.id);
    latest.undo!();
  },
  /** Stops the clock while the pointer or the focus rests on the toasts. */
  hold(): void {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  },
  release(): void {
    for (const x of shown) if (!timers.has(x.id)) arm(x);
  },
};

function arm(x: Toast): void {
  timers.set(
    x.id,
    setTimeout(() => toasts.drop(x.id), x.undo || x.tone === 'bad' ? 8000 : 4000),
  );
}

export function toast(text: string, options: { tone?: Toast['tone']; undo?: () => void } = {}): void {
  const made: Toast = { id: ++last, text, tone: options.tone ?? 'plain', undo: options.undo };
  // The same words again take the place of the first, unless that can still be undone.
  const again = shown.find((x) => x.text === text && !x.undo);
  if (again) toasts.drop(again.id);
  shown = [...shown.slice(-2), made];
  arm(made);
}

/** Says why something failed, in the server's words where it gave some. */
export function toastFailure(cause: unknown): void {
  toast(explain(cause), { tone: 'bad' });
}

export function explain(cause: unknown): string {
  if (cause instanceof Problem) {
    if (cause.unreachable) return t('problem.unreachable');
    if (cause.detail) return cause.detail;
  }
  return t('problem.unknown');
}

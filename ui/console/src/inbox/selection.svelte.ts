// The conversations chosen for one act on all of them.
import { SvelteSet } from 'svelte/reactivity';
import type { Id } from '$lib/api';

export class Selection {
  readonly ids = new SvelteSet<Id>();
  /** Rows are chosen by a click instead of being opened. */
  choosing = $state(false);
  private from: Id | undefined;

  toggle(id: Id): void {
    if (!this.ids.delete(id)) this.ids.add(id);
    this.from = id;
    this.choosing = this.choosing || this.ids.size > 0;
  }
  /** From the one chosen last up to this one, in the order of the list. */
  range(id: Id, list: readonly Id[]): void {
    const a = this.from === undefined ? -1 : list.indexOf(this.from);
    const b = list.indexOf(id);
    if (a < 0 || b < 0) return this.toggle(id);
    for (const x of list.slice(Math.min(a, b), Math.max(a, b) + 1)) this.ids.add(x);
    this.choosing = true;
  }
  all(list: readonly Id[]): void {
    for (const id of list) this.ids.add(id);
    this.choosing = true;
  }
  clear(): void {
    this.ids.clear();
    this.choosing = false;
    this.from = undefined;
  }
}

// A list as the server pages it: what has come so far, whether there is more, and what went wrong.
import type { Page } from '$lib/api';

export class Listed<V> {
  items = $state.raw<V[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  more = $state(false);
  #next = '';
  #round = 0;

  constructor(readonly fetch: (cursor: string) => Promise<Page<V>>) {
    void this.load();
  }
  async load(): Promise<void> {
    const round = ++this.#round;
    this.state = 'loading';
    try {
      const page = await this.fetch('');
      if (round !== this.#round) return;
      this.items = page.items;
      this.#take(page);
      this.state = 'ready';
    } catch {
      if (round === this.#round) this.state = 'failed';
    }
  }
  async loadMore(): Promise<void> {
    const round = this.#round;
    const page = await this.fetch(this.#next);
    if (round !== this.#round) return;
    this.items = [...this.items, ...page.items];
    this.#take(page);
  }
  /** Fetches again without emptying the screen. */
  async refresh(): Promise<void> {
    const round = ++this.#round;
    try {
      const page = await this.fetch('');
      if (round !== this.#round) return;
      this.items = page.items;
      this.#take(page);
      this.state = 'ready';
    } catch {
      // what is on the screen stays; the next round tries again
    }
  }
  #take(page: Page<V>): void {
    this.#next = page.next ?? '';
    this.more = this.#next !== '';
  }
}

/** Every page of a list that is short by nature, such as teams for a picker. */
export async function whole<V>(fetch: (cursor: string) => Promise<Page<V>>): Promise<V[]> {
  const all: V[] = [];
  let cursor = '';
  do {
    const page = await fetch(cursor);
    all.push(...page.items);
    cursor = page.next ?? '';
  } while (cursor && all.length < 2000);
  return all;
}

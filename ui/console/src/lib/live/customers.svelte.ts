// Customers that were looked at: card, orders, timeline. Shown from here at once, fetched again behind.
import {
  customers as calls,
  type CustomerCard,
  type Id,
  type Order,
  type Page,
  type TimelineItem,
} from '$lib/api';

export class CustomerFile {
  card = $state.raw<CustomerCard | null>(null);
  orders = $state.raw<Order[] | null>(null);
  timeline = $state.raw<TimelineItem[] | null>(null);
  /** Each part may fail alone; the others still show. */
  failed = $state<{ card?: unknown; orders?: unknown; timeline?: unknown }>({});
  private next = $state('');

  constructor(readonly id: Id) {}

  get hasMore(): boolean {
    return this.next !== '';
  }

  async load(): Promise<void> {
    await Promise.all([
      part(
        calls.card(this.id),
        (card) => (this.card = card),
        (cause) => (this.failed.card = cause),
      ),
      part(
        calls.orders(this.id),
        (page) => (this.orders = page.items),
        (cause) => (this.failed.orders = cause),
      ),
      part(
        calls.timeline(this.id),
        (page) => this.take(page, []),
        (cause) => (this.failed.timeline = cause),
      ),
    ]);
  }

  async moreTimeline(): Promise<void> {
    if (!this.next) return;
    const page = await calls.timeline(this.id, this.next);
    this.take(page, this.timeline ?? []);
  }

  private take(page: Page<TimelineItem>, before: TimelineItem[]): void {
    this.timeline = [...before, ...page.items];
    this.next = page.next;
  }
}

async function part<T>(
  asked: Promise<T>,
  take: (value: T) => void,
  fail: (cause: unknown) => void,
): Promise<void> {
  try {
    take(await asked);
    fail(undefined);
  } catch (cause) {
    fail(cause);
  }
}

const files = new Map<Id, CustomerFile>();

export const customerFiles = {
  open(id: Id): CustomerFile {
    let file = files.get(id);
    if (!file) files.set(id, (file = new CustomerFile(id)));
    return file;
  },
  hear(id: Id): void {
    void files.get(id)?.load();
  },
  forget(): void {
    files.clear();
  },
};

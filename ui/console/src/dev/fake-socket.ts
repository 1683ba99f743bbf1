// A socket that speaks enough of centrifuge's JSON to carry news from the made-up house.
import type { LiveEvent } from '$lib/api/types';

const open = new Set<FakeSocket>();

export function publish(event: LiveEvent): void {
  const text = JSON.stringify({ push: { channel: 'agent:11', pub: { data: event } } });
  setTimeout(() => open.forEach((socket) => socket.onmessage?.({ data: text })), 5);
}

export class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    setTimeout(() => this.onopen?.(), 5);
  }
  send(text: string): void {
    if (!text.includes('connect')) return;
    open.add(this);
    setTimeout(
      () => this.onmessage?.({ data: JSON.stringify({ id: 1, connect: { subs: { 'agent:11': {} } } }) }),
      5,
    );
  }
  close(): void {
    open.delete(this);
    this.onclose?.({ code: 1000 });
  }
}

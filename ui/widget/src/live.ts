// The line on which the shop's messages come: a socket, or where a network lets none through, asking every few seconds.
import { here } from './api';

interface Options {
  url: string;
  token(): string | undefined;
  heard(publication: any): void;
  up(): void; // the line stands (again): ask for what was missed
  refused(): Promise<unknown>; // the token isn't taken: get another
  poll(): Promise<unknown>;
}

export class Live {
  #socket?: WebSocket;
  #timer = 0;
  #failures = 0;
  #wanted = false;
  #page = '';
  #watch = 0;
  #typed = 0;
  #id = 1;

  #o: Options;

  constructor(o: Options) {
    this.#o = o;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    addEventListener('online', this.#hurry);
    document.addEventListener('visibilitychange', this.#hurry);
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    removeEventListener('online', this.#hurry);
    document.removeEventListener('visibilitychange', this.#hurry);
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#socket?.close();
    this.#socket = undefined;
  }

  typing(on: boolean) {
    if (on && Date.now() - this.#typed < 3000) return;
    if (!on && !this.#typed) return;
    this.#typed = on ? Date.now() : 0;
    this.#rpc('typing', { on });
  }

  #hurry = () => {
    if (this.#wanted && !this.#socket && !document.hidden) this.#connect();
  };

  #rpc(method: string, data: unknown) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify({ id: ++this.#id, rpc: { method, data } }));
  }

  #connect() {
    clearTimeout(this.#timer);
    let s: WebSocket;
    try {
      s = this.#socket = new WebSocket(this.#o.url);
    } catch {
      return this.#later(); // the page's policy forbids it
    }
    // A network that swallows sockets neither opens nor closes them.
    const patience = setTimeout(() => s.close(), 1e4);
    let silence = 0;
    const hear = () => {
      clearTimeout(silence);
      silence = window.setTimeout(() => s.close(), 4e4);
    };
    s.onopen = () => s.send(JSON.stringify({ id: 1, connect: { token: this.#o.token() } }));
    s.onmessage = (e) => {
      hear();
      for (const line of ('' + e.data).split('\n')) {
        if (!line) continue;
        const m = JSON.parse(line);
        if (m.connect) {
          clearTimeout(patience);
          this.#failures = 0;
          this.#page = '';
          this.#moved();
          this.#watch = window.setInterval(this.#moved, 2000);
          this.#o.up();
        } else if (m.push?.pub) {
          this.#o.heard(m.push.pub.data);
        } else if (!m.id && !m.push) {
          s.send('{}');
        }
      }
    };
    s.onclose = (e) => {
      clearTimeout(patience);
      clearTimeout(silence);
      clearInterval(this.#watch);
      if (this.#socket !== s) return;
      this.#socket = undefined;
      if (!this.#wanted) return;
      this.#failures++;
      if (e.code === 3500) this.#o.refused().then(() => this.#later(), () => this.#later());
      else this.#later();
    };
  }

  // Later each time, and not everybody at once. After three failures in a row messages are asked for meanwhile.
  #later() {
    clearTimeout(this.#timer);
    const polling = this.#failures > 2;
    const wait = polling ? (document.hidden ? 15e3 : 4e3) : 500 * 2 ** this.#failures;
    this.#timer = window.setTimeout(
      () => {
        if (!this.#wanted) return;
        if (!polling || this.#failures++ % 12 === 0) return this.#connect();
        this.#o.poll().then(() => this.#later(), () => this.#later());
      },
      wait * (0.7 + Math.random() * 0.6),
    );
  }

  // Shops change pages without loading them anew.
  #moved = () => {
    if (location.href === this.#page) return;
    this.#page = location.href;
    this.#rpc('page', { ...here(), agent: navigator.userAgent.slice(0, 300) });
  };
}

// The agent's socket: the JSON protocol of centrifuge, as much of it as server-side subscriptions need. It connects,
// answers pings, resumes each channel from its last offset, and comes back by itself after a break.

export interface Listener {
  /** One publication, in order. */
  data: (data: unknown) => void;
  up: () => void;
  down: () => void;
  /** The server will not have this connection back: the session is over. */
  refused: () => void;
}

interface Publication {
  data: unknown;
  offset?: number;
}
interface Subscription {
  recoverable?: boolean;
  epoch?: string;
  offset?: number;
  publications?: Publication[];
}
interface Reply {
  id?: number;
  error?: { code: number; message: string; temporary?: boolean };
  connect?: { subs?: Record<string, Subscription>; ping?: number; pong?: boolean };
  push?: {
    channel?: string;
    pub?: Publication;
    subscribe?: Subscription;
    unsubscribe?: object;
    message?: { data: unknown };
    disconnect?: { code: number };
  };
}

const slowest = 20_000;
const connectPatience = 10_000;

export class LiveSocket {
  private socket: WebSocket | undefined;
  private places = new Map<string, { epoch: string; offset: number }>();
  private attempts = 0;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private pingMs = 0;
  private answersPing = false;
  private stopped = true;

  constructor(
    private url: string,
    private listener: Listener,
  ) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.waiting);
    clearTimeout(this.silence);
    this.socket?.close(1000);
    this.socket = undefined;
  }

  /** Tries again now instead of when the pause is over. */
  retry(): void {
    if (this.stopped || this.socket) return;
    clearTimeout(this.waiting);
    this.connect();
  }

  private connect(): void {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.watch(connectPatience);
    socket.onopen = () => {
      const subs: Record<string, object> = {};
      for (const [channel, place] of this.places) subs[channel] = { recover: true, ...place };
      socket.send(JSON.stringify({ id: 1, connect: { subs, name: 'console' } }));
    };
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      for (const line of String(event.data).split('\n')) if (line) this.hear(JSON.parse(line) as Reply);
      if (this.pingMs) this.watch(this.pingMs + connectPatience);
    };
    socket.onclose = (event) => this.lost(socket, event.code);
    socket.onerror = () => socket.close();
  }

  // A dead line may never say so; silence longer than the server's ping means it is gone.
  private watch(ms: number): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      const socket = this.socket;
      if (!socket) return;
      socket.onclose = null;
      socket.close();
      this.lost(socket, 1006);
    }, ms);
  }

  private lost(socket: WebSocket, code: number): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.pingMs = 0;
    clearTimeout(this.silence);
    this.listener.down();
    if (this.stopped) return;
    const terminal = (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
    if (terminal) {
      this.stopped = true;
      this.listener.refused();
      return;
    }
    const pause = Math.min(slowest, 400 * 2 ** this.attempts++) * (0.6 + Math.random() * 0.6);
    this.waiting = setTimeout(() => this.connect(), pause);
  }

  private hear(reply: Reply): void {
    if (reply.error) {
      // Only a connect is ever asked, so this is its refusal; the close code says whether to come back.
      this.socket?.close();
    } else if (reply.connect) {
      this.connected(reply.connect);
    } else if (reply.push) {
      this.pushed(reply.push);
    } else if (this.answersPing) {
      this.socket?.send('{}');
    }
  }

  private connected(connect: NonNullable<Reply['connect']>): void {
    this.attempts = 0;
    this.pingMs = (connect.ping ?? 0) * 1000;
    this.answersPing = connect.pong ?? false;
    for (const [channel, sub] of Object.entries(connect.subs ?? {})) this.subscribed(channel, sub);
    for (const channel of this.places.keys()) if (!connect.subs?.[channel]) this.places.delete(channel);
    this.listener.up();
  }

  private subscribed(channel: string, sub: Subscription): void {
    for (const publication of sub.publications ?? []) this.listener.data(publication.data);
    if (sub.recoverable) this.places.set(channel, { epoch: sub.epoch ?? '', offset: sub.offset ?? 0 });
  }

  private pushed(push: NonNullable<Reply['push']>): void {
    const channel = push.channel ?? '';
    if (push.pub) {
      const place = this.places.get(channel);
      if (place && push.pub.offset) place.offset = push.pub.offset;
      this.listener.data(push.pub.data);
    } else if (push.message) {
      this.listener.data(push.message.data);
    } else if (push.subscribe) {
      this.subscribed(channel, push.subscribe);
    } else if (push.unsubscribe) {
      this.places.delete(channel);
    }
  }
}

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveSocket } from './socket';

class Line {
  static all: Line[] = [];
  sent: string[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: ((event: { code: number }) => void) | null;
  constructor() {
    Line.all.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close(code = 1000) {
    this.onclose?.({ code });
  }
  say(...replies: object[]) {
    this.onmessage?.({ data: replies.map((r) => JSON.stringify(r)).join('\n') });
  }
}

describe('the socket', () => {
  const heard = { data: vi.fn(), up: vi.fn(), down: vi.fn(), refused: vi.fn() };
  let socket: LiveSocket;
  const latest = () => Line.all.at(-1)!;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    Line.all = [];
    vi.stubGlobal('WebSocket', Line);
    socket = new LiveSocket('ws://desk.test/live/agent', heard);
    socket.start();
    latest().onopen!();
  });
  afterEach(() => {
    socket.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('connects, hears publications in order and answers pings', () => {
    latest().say({ id: 1, connect: { subs: { 'agent:1': {} }, ping: 25, pong: true } });
    expect(heard.up).toHaveBeenCalledOnce();
    latest().say(
      { push: { channel: 'agent:1', pub: { data: 1 } } },
      { push: { channel: 'agent:1', pub: { data: 2 } } },
    );
    expect(heard.data.mock.calls).toEqual([[1], [2]]);
    latest().say({});
    expect(latest().sent.at(-1)).toBe('{}');
  });

  it('comes back by itself and asks for what it missed', () => {
    latest().say({ id: 1, connect: { subs: { a: { recoverable: true, epoch: 'e', offset: 4 } } } });
    latest().say({ push: { channel: 'a', pub: { data: 1, offset: 5 } } });
    latest().close(1006);
    expect(heard.down).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1000);
    expect(Line.all).toHaveLength(2);
    latest().onopen!();
    expect(JSON.parse(latest().sent[0]!).connect.subs.a).toEqual({ recover: true, epoch: 'e', offset: 5 });
    latest().say({ id: 1, connect: { subs: { a: { publications: [{ data: 9 }] } } } });
    expect(heard.data).toHaveBeenLastCalledWith(9);
  });

  it('notices a line that died without a word', () => {
    latest().say({ id: 1, connect: { ping: 25 } });
    vi.advanceTimersByTime(36_000);
    expect(heard.down).toHaveBeenCalledOnce();
  });

  it('stays away when the session is over', () => {
    latest().close(3500);
    expect(heard.refused).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(60_000);
    expect(Line.all).toHaveLength(1);
  });
});

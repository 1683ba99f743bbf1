// The agent's browser as a telephone: one connection for speech, kept for as long as he is at the telephone, so that a customer who
// answers hears him at once. It comes back by itself after a break; the call that it is in goes on meanwhile.
import { Problem } from '$lib/api';
import { live } from '$lib/live/live.svelte';
import { connect } from './api';
import { devices, direct, lookAround, openMicrophone } from './devices.svelte';
import { count, judge, type Counted, type Quality } from './quality';

export type LegState =
  | 'off'
  | 'asking' // for the microphone
  | 'connecting'
  | 'connected'
  | 'lost' // and tried again
  | 'elsewhere' // another page of this agent has the sound
  | 'failed';
/** What stands in the way; call.problem.<it> says it. */
export type LegProblem =
  '' | 'insecure' | 'denied' | 'no_microphone' | 'busy_microphone' | 'no_sound' | 'network';

const gatherMs = 2000;
const connectMs = 8000;
const breakMs = 2500;
const pauses = [300, 1000, 2000, 4000, 8000];

let state = $state<LegState>('off');
let problem = $state<LegProblem>('');
let muted = $state(false);
let blocked = $state(false);
let quality = $state.raw<Quality>();

let wanted = false;
let round = 0;
let tries = 0;
let stream: MediaStream | undefined;
let pc: RTCPeerConnection | undefined;
let release: (() => void) | undefined;
let again: ReturnType<typeof setTimeout> | undefined;
let player: HTMLAudioElement | undefined;
let ears:
  | {
      context: AudioContext;
      analyser: AnalyserNode;
      source: MediaStreamAudioSourceNode;
      track: MediaStreamTrack;
    }
  | undefined;

export const leg = {
  get state(): LegState {
    return state;
  },
  get problem(): LegProblem {
    return problem;
  },
  get muted(): boolean {
    return muted;
  },
  /** The browser keeps the sound back until something is clicked. */
  get blocked(): boolean {
    return blocked;
  },
  get quality(): Quality | undefined {
    return quality;
  },
  /** Connects and stays so. Resolves when it stands, or it is known that it can't. */
  async start(steal = false): Promise<boolean> {
    if (wanted && (state === 'connected' || state === 'asking' || state === 'connecting')) return standing();
    wanted = true;
    tries = 0;
    clearTimeout(again);
    if (!(await own(steal))) return false;
    await attempt();
    return state === 'connected';
  },
  stop(): void {
    wanted = false;
    round++;
    clearTimeout(again);
    hangUp();
    release?.();
    release = undefined;
    state = 'off';
    problem = '';
  },
  mute(on: boolean): void {
    muted = on;
    stream?.getAudioTracks().forEach((t) => (t.enabled = !on));
  },
  /** How loud it is before the microphone, 0 to 1; it is heard while muted too. */
  level(): number {
    return ears ? loudness(ears.analyser) : 0;
  },
  /** Lets the sound out after a click. */
  async unblock(): Promise<void> {
    await play();
    await ears?.context.resume().catch(() => {});
  },
  /** Another microphone, within the call. */
  async useMicrophone(id: string): Promise<void> {
    devices.microphone = id;
    if (!stream) return;
    const next = await openMicrophone();
    const track = next.getAudioTracks()[0]!;
    track.enabled = !muted;
    await pc?.getSenders()[0]?.replaceTrack(track);
    close(stream);
    take(next);
  },
  async useSpeaker(id: string): Promise<void> {
    devices.speaker = id;
    if (player) await direct(player);
  },
};

/** One page of this browser has the sound: two would take it from each other without end. */
async function own(steal: boolean): Promise<boolean> {
  if (release) return true;
  if (!navigator.locks) return true;
  let got!: (ok: boolean) => void;
  const asked = new Promise<boolean>((resolve) => (got = resolve));
  void navigator.locks
    .request('opeka.phone', steal ? { steal: true } : { ifAvailable: true }, (lock) => {
      if (!lock) {
        got(false);
        return;
      }
      return new Promise<void>((resolve) => {
        release = resolve;
        got(true);
      });
    })
    .catch(() => {
      // Another page of this browser took it.
      release = undefined;
      if (wanted) giveUp();
    });
  const mine = await asked;
  if (!mine) giveUp();
  return mine;
}

function giveUp(): void {
  round++;
  clearTimeout(again);
  hangUp();
  wanted = false;
  state = 'elsewhere';
}

async function standing(): Promise<boolean> {
  while (state === 'asking' || state === 'connecting') await new Promise((done) => setTimeout(done, 100));
  return state === 'connected';
}

async function attempt(): Promise<void> {
  const mine = ++round;
  try {
    if (!stream?.active) {
      state = 'asking';
      if (!navigator.mediaDevices || typeof RTCPeerConnection === 'undefined') throw new Obstacle('insecure');
      const opened = await openMicrophone().catch((cause: unknown) => {
        throw new Obstacle(obstacleOf(cause));
      });
      if (mine !== round) return close(opened);
      opened.getAudioTracks().forEach((t) => (t.enabled = !muted));
      take(opened);
    }
    state = tries > 0 ? 'lost' : 'connecting';
    await offer(mine);
    if (mine !== round) return;
    state = 'connected';
    problem = '';
    tries = 0;
  } catch (cause) {
    if (mine !== round) return;
    hangUp(!(cause instanceof Obstacle));
    if (cause instanceof Obstacle) {
      problem = cause.what;
      state = 'failed';
      return;
    }
    if (cause instanceof Problem && cause.code === 'phone.no_sound') {
      problem = 'no_sound';
      state = 'failed';
      return;
    }
    problem = 'network';
    retry();
  }
}

function retry(): void {
  if (!wanted) return;
  state = 'lost';
  quality = undefined;
  clearTimeout(again);
  again = setTimeout(() => void attempt(), pauses[Math.min(tries++, pauses.length - 1)]);
}

/** One round of offer and answer, until speech can go both ways. */
async function offer(mine: number): Promise<void> {
  const old = pc;
  const next = new RTCPeerConnection();
  pc = next;
  const track = stream!.getAudioTracks()[0]!;
  const sender = next.addTrack(track, stream!);
  next.ontrack = (e) => {
    player ??= new Audio();
    player.srcObject = new MediaStream([e.track]);
    void direct(player);
    void play();
  };
  try {
    await next.setLocalDescription(await next.createOffer());
    await gathered(next);
    await next.setRemoteDescription({ type: 'answer', sdp: await connect(next.localDescription!.sdp) });
    await connected(next);
  } finally {
    old?.close();
  }
  if (mine !== round) return next.close();
  follow(next, sender);
}

function gathered(on: RTCPeerConnection): Promise<void> {
  return new Promise((done) => {
    const look = () => on.iceGatheringState === 'complete' && done();
    on.onicegatheringstatechange = look;
    setTimeout(done, gatherMs); // what was found by then must do
    look();
  });
}

function connected(on: RTCPeerConnection): Promise<void> {
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error('no connection came about')), connectMs);
    const look = () => {
      if (on.connectionState === 'connected') {
        clearTimeout(late);
        done();
      } else if (on.connectionState === 'failed' || on.connectionState === 'closed') {
        clearTimeout(late);
        fail(new Error('the connection failed'));
      }
    };
    on.onconnectionstatechange = look;
    look();
  });
}

/** Watches a connection that stands: how good it is, and whether it breaks. */
function follow(on: RTCPeerConnection, sender: RTCRtpSender): void {
  let before: Counted | undefined;
  const measure = setInterval(async () => {
    if (pc !== on) return clearInterval(measure);
    const now = count((await on.getStats()).entries());
    if (before && pc === on && state === 'connected') quality = judge(before, now);
    before = now;
  }, 2000);
  let broken: ReturnType<typeof setTimeout> | undefined;
  const lost = () => {
    if (pc !== on || !wanted) return;
    clearTimeout(broken);
    round++;
    retry();
  };
  on.onconnectionstatechange = () => {
    if (pc !== on) return;
    clearTimeout(broken);
    if (on.connectionState === 'connected') {
      state = 'connected';
    } else if (on.connectionState === 'disconnected') {
      state = 'lost';
      broken = setTimeout(lost, breakMs);
    } else if (on.connectionState === 'failed') {
      lost();
    }
  };
  // The house ends a connection when another page of this agent comes, or when it goes down itself; then the socket of news is gone too.
  const transport = sender.transport;
  if (transport)
    transport.onstatechange = () => {
      if (transport.state !== 'closed' || pc !== on || !wanted) return;
      state = 'lost';
      clearTimeout(broken);
      broken = setTimeout(() => {
        if (pc !== on) return;
        if (live.connected) giveUp();
        else lost();
      }, breakMs);
    };
}

async function play(): Promise<void> {
  if (!player?.srcObject) return;
  try {
    await player.play();
    blocked = false;
  } catch (cause) {
    blocked = cause instanceof DOMException && cause.name === 'NotAllowedError';
  }
}

/** Takes a microphone, and listens to it besides, on a copy that muting doesn't silence. */
function take(opened: MediaStream): void {
  stream = opened;
  deafen();
  const track = opened.getAudioTracks()[0]!;
  track.onended = () => void replug();
  try {
    const copy = track.clone();
    copy.enabled = true;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    const source = context.createMediaStreamSource(new MediaStream([copy]));
    source.connect(analyser);
    void context.resume().catch(() => {});
    ears = { context, analyser, source, track: copy };
  } catch {
    // no meter, but speech
  }
  void lookAround();
}

/** The microphone was unplugged: another one takes its place. */
async function replug(): Promise<void> {
  if (!wanted || !stream) return;
  try {
    await leg.useMicrophone(devices.microphone);
  } catch (cause) {
    problem = obstacleOf(cause);
    state = 'failed';
  }
}

function deafen(): void {
  ears?.track.stop();
  void ears?.context.close().catch(() => {});
  ears = undefined;
}

function close(s: MediaStream): void {
  s.getTracks().forEach((t) => {
    t.onended = null;
    t.stop();
  });
}

function hangUp(keepMicrophone = false): void {
  const old = pc;
  pc = undefined;
  old?.close();
  quality = undefined;
  if (player) player.srcObject = null;
  if (keepMicrophone || !stream) return;
  close(stream);
  stream = undefined;
  deafen();
}

class Obstacle extends Error {
  constructor(readonly what: LegProblem) {
    super(what);
  }
}

function obstacleOf(cause: unknown): LegProblem {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy_microphone';
  return 'no_microphone';
}

const samples = new Float32Array(1024);

/** The loudness of the last moment, from silence (−60 dB) to full (0 dB). */
export function loudness(analyser: AnalyserNode): number {
  analyser.getFloatTimeDomainData(samples);
  let sum = 0;
  for (const v of samples) sum += v * v;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 + db / 60));
}

if (typeof window !== 'undefined') {
  addEventListener('online', () => {
    if (!wanted || state !== 'lost') return;
    tries = 0;
    round++;
    retry();
  });
  navigator.mediaDevices?.addEventListener?.('devicechange', () => void lookAround());
}

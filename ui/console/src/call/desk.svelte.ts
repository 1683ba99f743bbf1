// The call of this desk: what the agent is offered, talks on or has just ended, and everything that he does with it. Hints say when to
// look again; what is done shows at once and is put right by the next look.
import type { Id } from '$lib/api';
import { keep, recall } from '$lib/app/keep';
import { go, href, router } from '$lib/app/router.svelte';
import { toastFailure } from '$lib/app/toasts.svelte';
import { t } from '$lib/i18n/index.svelte';
import { live } from '$lib/live/live.svelte';
import { callbacks, myPhone, type Callback, type Disposition, type MyPhone } from '../callback/api';
import { Problem } from '$lib/api';
import { calls, type CurrentCall, type Target } from './api';
import { panel } from '../script/panel.svelte';
import { leg } from './leg.svelte';

export type Phase = 'none' | 'offered' | 'ringing' | 'talking' | 'supervising' | 'wrapup';
type Dialled = { store_id: Id; number?: string; customer_id?: Id; despite_wish?: boolean };

let me = $state.raw<MyPhone>();
let call = $state.raw<CurrentCall>();
let unwished = $state.raw<Dialled>();
let meant: Dialled | undefined; // the question closes before its answer runs
let callback = $state.raw<Callback>();
let busy = $state('');
let sent = $state('');
let now = $state(Date.now());
let round = 0;

// What is written during a call outlives the page, until the call is wrapped up.
let notes = $state.raw<{ of: Id; text: string; shown?: boolean }>(recall('call', { of: 0, text: '' }));

const can = (verb: string) => call?.can.includes(verb) ?? false;

function phaseOf(): Phase {
  if (!call)
    return callback && me?.state === 'offered'
      ? 'offered'
      : callback && me?.state === 'reserved'
        ? 'ringing'
        : 'none';
  if (can('answer')) return 'offered';
  if (call.state === 'wrapup') return can('wrap_up') ? 'wrapup' : 'none';
  if (can('supervise') && !call.lead) return 'supervising';
  return ['written', 'dialing', 'ringing'].includes(call.state) ? 'ringing' : 'talking';
}
const phase = $derived(phaseOf());

export const desk = {
  get me(): MyPhone | undefined {
    return me;
  },
  get call(): CurrentCall | undefined {
    return call;
  },
  get callback(): Callback | undefined {
    return callback;
  },
  get phase(): Phase {
    return phase;
  },
  /** Which act is on its way. */
  get busy(): string {
    return busy;
  },
  /** The keys that were sent in this call. */
  get sent(): string {
    return sent;
  },
  get held(): boolean {
    return call?.state === 'held';
  },
  /** Ticks each second while something is under way. */
  get now(): number {
    return now;
  },
  get name(): string {
    return (
      callback?.customer_name || call?.customer_name || callback?.number || call?.number || t('call.hidden')
    );
  },
  get number(): string {
    return call?.number || callback?.number || '';
  },
  get customer(): Id {
    return call?.customer_id || callback?.customer_id || 0;
  },
  get store(): Id {
    return call?.store_id || callback?.store_id || 0;
  },
  get conversation(): Id {
    return call?.conversation_id || callback?.conversation_id || 0;
  },
  get order(): Id {
    return call?.order_id ?? callback?.reasons.find((r) => r.subject_kind === 'order')?.subject_id ?? 0;
  },
  /** Somebody who doesn't want to be rung and whom the agent is about to ring: he is asked whether he means it. */
  get unwished(): boolean {
    return unwished !== undefined;
  },
  set unwished(on: boolean) {
    if (on) return;
    meant = unwished;
    unwished = undefined;
  },
  get note(): string {
    return notes.text;
  },
  set note(text: string) {
    remember({ text });
  },

  /** What the agent may do with the call now. */
  can,
  get declines(): boolean {
    return can('decline') || (phase === 'offered' && callback !== undefined);
  },

  /** Comes to the telephone with this browser, or leaves it; on a telephone of his own the browser isn't asked for its microphone. */
  async turn(on: boolean): Promise<void> {
    if (on) await sound();
    me = await myPhone.set(on, me?.device ?? '');
    if (!on) leg.stop();
  },
  /** Takes calls in this browser (empty), or at a telephone of the agent's own. */
  async useDevice(name: string): Promise<void> {
    const reachable = me?.reachable ?? false;
    if (name) leg.stop();
    else if (reachable) await leg.start();
    me = await myPhone.set(reachable, name);
    await look();
  },
  accept: () =>
    act('accept', async () => {
      if (call) await calls.answer(call.id);
      else if (callback) await callbacks.accept(callback.id);
      await look();
      openBeside();
    }),
  decline: () =>
    act('decline', async () => {
      if (call) await calls.decline(call.id);
      else if (callback) await callbacks.decline(callback.id);
    }),
  hangUp: () =>
    act('hangup', async () => {
      if (phase === 'ringing' && callback) await callbacks.decline(callback.id);
      else if (call) await (can('hangup') ? calls.hangUp(call.id) : calls.leave(call.id));
    }),
  hold: () =>
    act('hold', async () => {
      if (!call) return;
      const before = call;
      const on = call.state !== 'held';
      call = { ...call, state: on ? 'held' : 'talking' };
      try {
        await (on ? calls.hold(before.id) : calls.resume(before.id));
      } catch (cause) {
        call = before;
        throw cause;
      }
    }),
  /** Leaves the others to themselves. */
  leave: () =>
    act('leave', async () => {
      if (call) await calls.leave(call.id);
    }),
  /** Silent here at once; the house is told, so that the others see it and a page that is loaded anew stays silent. */
  async mute(): Promise<void> {
    const on = !leg.muted;
    leg.mute(on);
    if (call && can(on ? 'mute' : 'unmute')) await calls.mute(call.id, on).catch(toastFailure);
    await look();
  },
  /** Hands over, asks aside or asks in. Throws what the server refuses. */
  async pass(how: 'transfer' | 'consult' | 'invite', to: Target): Promise<void> {
    if (call) await calls[how](call.id, to);
    await look();
  },
  aside: (verb: 'complete' | 'cancel' | 'swap' | 'join') =>
    act(verb, async () => {
      if (call) await calls.aside(call.id, verb);
    }),
  remove: (party: Id) =>
    act('remove', async () => {
      if (call) await calls.remove(call.id, party);
    }),
  /** Listens to a call of somebody else's. */
  listenTo: (id: Id) =>
    act('listen', async () => {
      await sound();
      await calls.supervise(id, 'listen');
    }),
  supervise: (mode: 'listen' | 'whisper' | 'barge' | 'off') =>
    act(mode, async () => {
      if (call) await calls.supervise(call.id, mode);
    }),
  /** Rings somebody; the agent comes to the telephone for it. Tells whether it rings. */
  async dial(to: Dialled): Promise<boolean> {
    let rings = false;
    await act('dial', async () => {
      unwished = undefined;
      if (!me?.reachable) await desk.turn(true);
      try {
        await calls.dial(to);
        rings = true;
      } catch (cause) {
        if (!(cause instanceof Problem) || cause.code !== 'phone.do_not_call') throw cause;
        unwished = to;
      }
    });
    return rings;
  },
  async dialUnwished(): Promise<void> {
    if (meant) await desk.dial({ ...meant, despite_wish: true });
  },
  async press(key: string): Promise<void> {
    if (!call) return;
    sent += key;
    await calls.keys(call.id, key).catch(toastFailure);
  },
  /** Says what came of the call. Throws what the server refuses, for the form to show. */
  async wrapUp(disposition: Disposition, at: string): Promise<void> {
    const note = notes.text.trim();
    if (callback) await callbacks.dispose(callback.id, { disposition, note, ...(at ? { at } : {}) });
    else if (call) await calls.wrapUp(call.id, disposition, note);
    remember({ of: 0, text: '' });
    await look();
  },
  openBeside,
  /** Opens the script that the call is for, or lets one be chosen. */
  openScript(auto = false): void {
    if (!call) return;
    panel.show({
      store: desk.store,
      customer: desk.customer,
      order: desk.order,
      conversation: desk.conversation,
      call: call.id,
      callback: callback?.id,
      language: call.language,
      purposes: callback
        ? callback.reasons.map((r) => r.trigger)
        : [call.direction === 'in' ? 'incoming' : 'outgoing'],
      auto,
    });
  },
  look,
};

/** Connects this browser, unless the agent has a telephone of his own. */
async function sound(): Promise<void> {
  if (me?.device || (await leg.start())) return;
  throw new Obstacle(t(`call.problem.${leg.problem || 'elsewhere'}`));
}

/** What keeps the agent from the telephone, in words for him. */
class Obstacle extends Problem {
  constructor(words: string) {
    super(409, 'phone.no_leg', words);
  }
}

function remember(part: Partial<typeof notes>): void {
  notes = { ...notes, of: call?.id ?? notes.of, ...part };
  keep('call', notes);
}

async function act(what: string, run: () => Promise<void>): Promise<void> {
  if (busy) return;
  busy = what;
  try {
    await run();
  } catch (cause) {
    toastFailure(cause);
  }
  busy = '';
  await look();
}

/** Shows whom the call is with: the conversation, or the customer while there is none. */
function openBeside(): void {
  const to = desk.conversation
    ? href('inbox', { view: 'all', id: desk.conversation })
    : desk.customer
      ? href('customer', { id: desk.customer })
      : undefined;
  if (to && !(router.name === 'inbox' && router.params.id === String(desk.conversation))) go(to);
}

async function look(): Promise<void> {
  const mine = ++round;
  try {
    const [phone, page] = await Promise.all([myPhone.get(), calls.current()]);
    const its = page.items.find((c) => c.id === phone.call_id) ?? page.items.find((c) => c.can.length > 0);
    const owed = phone.callback_id || (its?.lead ? its.callback_id : 0);
    const about = owed ? await callbacks.get(owed) : undefined;
    if (mine !== round) return;
    me = phone;
    if (its && its.id !== notes.of) {
      remember({ of: its.id, text: '', shown: false });
      sent = '';
    }
    if (its?.id !== call?.id) leg.mute(its?.muted ?? false);
    call = its;
    callback = about;
    // Whoever was rung first and has answered is shown by himself, once: the page may go elsewhere during the call.
    if (its && phase === 'talking' && !notes.shown) {
      remember({ shown: true });
      openBeside();
    }
    if (!phone.device) attend(phone);
  } catch {
    // the next hint looks again
  }
}

/** The browser is connected while its agent is at the telephone. One that was away too long comes back if this page was at it. */
function attend(phone: MyPhone): void {
  const wanted =
    phone.reachable ||
    phone.state !== 'free' ||
    call !== undefined ||
    (phone.reason === 'browser_gone' && leg.state !== 'off');
  if (wanted && leg.state === 'off') {
    leg.mute(call?.muted ?? false);
    void leg.start();
  } else if (!wanted && leg.state !== 'off' && leg.state !== 'asking') {
    leg.stop();
  }
}

/** Follows the agent's telephone while the shell stands. */
export function follow(): () => void {
  const stops = [
    live.onPhone(() => void look()),
    live.onCall((id) => {
      if (call && (id === call.id || id === 0)) void look();
    }),
    live.onCallback(() => {
      if (callback) void look();
    }),
  ];
  const tick = setInterval(() => {
    if (phase !== 'none') now = Date.now();
  }, 1000);
  void look();
  return () => {
    stops.forEach((stop) => stop());
    clearInterval(tick);
    leg.stop();
    round++;
    me = call = callback = undefined;
  };
}

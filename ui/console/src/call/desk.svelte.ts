// The call of this desk: what the agent is offered, talks on or has just ended, and everything that he does with it. Hints say when to
// look again; what is done shows at once and is put right by the next look.
import type { Id } from '$lib/api';
import { keep, recall } from '$lib/app/keep';
import { go, href, router } from '$lib/app/router.svelte';
import { toastFailure } from '$lib/app/toasts.svelte';
import { t } from '$lib/i18n/index.svelte';
import { live } from '$lib/live/live.svelte';
import { callbacks, myPhone, type Callback, type Disposition, type MyPhone } from '../callback/api';
import { calls, type Call } from './api';
import { leg } from './leg.svelte';

export type Phase = 'none' | 'offered' | 'ringing' | 'talking' | 'wrapup';

let me = $state.raw<MyPhone>();
let call = $state.raw<Call>();
let callback = $state.raw<Callback>();
let busy = $state('');
let sent = $state('');
let now = $state(Date.now());
let round = 0;

// What is written during a call outlives the page, until the call is wrapped up.
let notes = $state.raw<{ of: Id; text: string; muted: boolean; shown?: boolean }>(
  recall('call', { of: 0, text: '', muted: false }),
);

const phaseOf = (state: string | undefined): Phase =>
  state === 'offered'
    ? 'offered'
    : state === 'reserved'
      ? 'ringing'
      : state === 'talking' || state === 'wrapup'
        ? state
        : 'none';
const phase = $derived<Phase>(call || callback ? phaseOf(me?.state) : 'none');

export const desk = {
  get me(): MyPhone | undefined {
    return me;
  },
  get call(): Call | undefined {
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
    const about = callback?.reasons.find((r) => r.subject_kind === 'order');
    return about?.subject_id || call?.open_order_id || 0;
  },
  get note(): string {
    return notes.text;
  },
  set note(text: string) {
    remember({ text });
  },

  /** Whether an offer can be refused: a caller who waits goes to somebody else when the offer has run out. */
  get declines(): boolean {
    return callback !== undefined;
  },

  /** Comes to the telephone with this browser, or leaves it; on a telephone of his own the browser isn't asked for its microphone. */
  async turn(on: boolean): Promise<void> {
    const device = me?.device ?? '';
    if (on && !device && !(await leg.start()))
      throw new Error(t(`call.problem.${leg.problem || 'elsewhere'}`));
    me = await myPhone.set(on, device);
    if (!on) leg.stop();
  },
  accept: () =>
    act('accept', async () => {
      if (callback?.state === 'offered') await callbacks.accept(callback.id);
      else if (call) await calls.answer(call.id);
      await look();
      openBeside();
    }),
  decline: () =>
    act('decline', async () => {
      if (callback) await callbacks.decline(callback.id);
    }),
  hangUp: () =>
    act('hangup', async () => {
      if (phase === 'ringing' && callback) await callbacks.decline(callback.id);
      else if (call) await calls.hangUp(call.id);
    }),
  hold: () =>
    act('hold', async () => {
      if (!call) return;
      const before = call;
      const on = call.state !== 'held';
      call = { ...call, state: on ? 'held' : 'talking' };
      try {
        call = await (on ? calls.hold(before.id) : calls.resume(before.id));
      } catch (cause) {
        call = before;
        throw cause;
      }
    }),
  mute(): void {
    leg.mute(!leg.muted);
    remember({ muted: leg.muted });
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
    remember({ of: 0, text: '', muted: false });
    await look();
  },
  openBeside,
  look,
};

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
    const phone = await myPhone.get();
    const [its, about] = await Promise.all([
      phone.call_id ? calls.get(phone.call_id) : undefined,
      phone.callback_id ? callbacks.get(phone.callback_id) : undefined,
    ]);
    if (mine !== round) return;
    me = phone;
    if (its && its.id !== notes.of) {
      remember({ of: its.id, text: '', muted: false, shown: false });
      sent = '';
      leg.mute(false);
    }
    call = its;
    callback = about;
    // Whoever was rung first and has answered is shown by himself, once: the page may go elsewhere during the call.
    if (its && phone.state === 'talking' && !notes.shown) {
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
    phone.reachable || phone.state !== 'free' || (phone.reason === 'browser_gone' && leg.state !== 'off');
  if (wanted && leg.state === 'off') {
    leg.mute(notes.muted && notes.of === phone.call_id);
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

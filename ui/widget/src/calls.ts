// To be rung, or to hear when something is there: a form over the talk, with what was asked for before. Fetched by those who want it.
import type { Api, Problem } from './api';
import type { Host } from './contract';
import css from './calls.css';
import { h, icon } from './dom';
import { language, t } from './text';

interface Asking {
  id: number;
  kind: 'call' | 'goods';
  state: 'open' | 'now' | 'done' | 'closed' | 'withdrawn';
  number: string;
  product?: string;
  how?: string;
  place?: number;
  from_at: string | null;
  to_at: string | null;
}

interface Calls {
  offer: { calls: boolean; from_at: string | null; to_at: string | null; reason: string; slots: string[]; writes: string[] };
  askings: Asking[];
  goods?: { product: string; sold_out: boolean; variants: { id: number; name: string; there: boolean }[] };
  orders: { number: string }[];
  number: string;
  name: string;
}

// What the panel lends.
export interface Desk {
  api: Api;
  host: Host;
  zone: string;
  canWrite: boolean; // there is a talk in which he can be told
  body: HTMLElement;
  composer: { element: HTMLElement; input: HTMLElement };
}

// A refusal, with words for him; undefined is a network that fails. The panel's own class of it isn't this module's.
const refusal = (e: unknown) => ((e as Problem).status ? (e as Problem) : undefined);
const words = (e: unknown) => refusal(e)?.message || t('calls.offline');

const key = () => Date.now().toString(36) + Math.random().toString(36).slice(2);

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

const dress = ({ root }: Host) => {
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
};

// offer puts a button beside the talk of who looks at something that is sold out.
export async function offer(desk: Desk, ref = '') {
  const { goods } = await desk.api.request<Calls>('GET', 'calls?ref=' + encodeURIComponent(ref)).catch(() => ({}) as Partial<Calls>);
  desk.body.querySelector('.tell')?.remove();
  dress(desk.host);
  if (goods?.sold_out) desk.body.append(h('button', { type: 'button', class: 'quick tell', onclick: () => show(desk, ref) }, t('calls.tell_me', { product: goods.product })));
}

// show lays the form over the talk.
export function show(desk: Desk, ref?: string) {
  dress(desk.host);
  const inert = (on: boolean) => (desk.body.inert = desk.composer.element.inert = on);
  const rest = desk.body.parentElement!;
  rest.querySelector('.calls')?.remove();
  const form = callForm(desk, ref, () => {
    form.remove();
    inert(false);
    desk.composer.input.focus();
  });
  inert(true);
  rest.append(form);
  form.querySelector('h3')!.focus();
}

function callForm(desk: Desk, ref: string | undefined, over: () => void): HTMLElement {
  const title = h('h3', { id: 'calls', tabIndex: -1 }, t(ref ? 'calls.goods' : 'calls.title'));
  const place = h('div', { class: 'place' });
  const own = h('div', { class: 'own' });
  const back = h('button', { type: 'button', class: 'back', 'aria-label': t('calls.back'), onclick: over }, icon('m14 5-7 7 7 7'));
  const box = h('section', { class: 'calls', 'aria-labelledby': 'calls' }, h('div', { class: 'top' }, back, title), place, own);
  const say = (text: string, bad = false) => place.replaceChildren(h('p', { class: bad ? 'problem' : 'note', role: bad ? 'alert' : 'status', tabIndex: -1 }, text));

  async function load(note = '') {
    try {
      const c = await desk.api.request<Calls>('GET', 'calls' + (ref ? '?ref=' + encodeURIComponent(ref) : ''));
      if (note) say(note);
      else if (!c.offer.calls && !(ref && (desk.canWrite || c.offer.writes.length))) say(t('calls.none'));
      else if (c.goods && !c.goods.sold_out) say(t('calls.there', { product: c.goods.product }));
      else place.replaceChildren(form(desk, c, ref, (a) => void load(told(a, desk.zone))));
      list(c.askings);
    } catch (e) {
      say(refusal(e)?.status === 404 ? t('calls.unknown') : words(e), true);
    }
    (place.querySelector('.note,.problem') as HTMLElement | null)?.focus();
  }

  function list(askings: Asking[]) {
    const open = askings.filter((a) => a.state === 'open' || a.state === 'now');
    own.replaceChildren();
    if (!open.length) return;
    own.append(h('h4', {}, t('calls.own')));
    for (const a of open) {
      const take = async () => {
        try {
          await desk.api.request('POST', 'withdraw', { id: a.id });
          await load(t('calls.withdrawn'));
        } catch (e) {
          say(words(e), true);
        }
      };
      const what = a.kind === 'goods' ? a.product! : t('calls.call', { number: a.number });
      own.append(h('div', { class: 'asked' }, h('p', {}, h('strong', {}, what), h('span', {}, ' · ' + told(a, desk.zone))), a.state === 'open' && h('button', { type: 'button', class: 'link', 'aria-label': t('calls.withdraw') + ': ' + what, onclick: take }, t('calls.withdraw'))));
    }
  }

  void load();
  return box;
}

// told says what becomes of an asking, in his words and no more exactly than is known.
function told(a: Asking, zone: string): string {
  if (a.state === 'now') return t('calls.now');
  if (a.from_at && a.to_at) return t('calls.between', { when: between(a.from_at, a.to_at, zone) });
  if (a.kind === 'goods') return t(a.how === 'call' ? 'calls.waits_call' : 'calls.waits_message') + (a.place ? ' ' + t('calls.place', { n: a.place }) : '');
  return t('calls.noted');
}

function between(from: string, to: string, zone: string): string {
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeZone: zone });
  const today = day.format(new Date()) === day.format(new Date(to));
  const f = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', timeZone: zone, ...(!today && { weekday: 'short', day: 'numeric', month: 'short' }) });
  return f.formatRange(new Date(from), new Date(to));
}

function form(desk: Desk, c: Calls, ref: string | undefined, done: (a: Asking) => void): HTMLElement {
  const id = key(); // pressed twice, it is one asking
  const problem = h('p', { class: 'problem', role: 'alert', id: 'calls-problem' });
  const options = c.goods?.variants.filter((v) => !v.there) || [];
  const contact = desk.host.memory.contact;
  const input = (name: string, type: string, value: string, autocomplete: string, required = false) => h('input', { name, type, value, autocomplete, required, maxLength: 200 });
  const number = input('number', 'tel', c.number || contact?.phone || '', 'tel', true);
  const email = input('email', 'email', contact?.email || '', 'email');
  const name = input('name', 'text', c.name || contact?.name || '', 'name');
  const note = h('textarea', { name: 'note', rows: 2, maxLength: 1000 });
  const field = (words: string, control: HTMLElement) => h('label', {}, h('span', {}, words), control);
  const choice = (group: string, value: string, words: string, checked: boolean) => h('label', { class: 'choice' }, h('input', { type: 'radio', name: group, value, checked }), h('span', {}, words));
  const select = (name: string, ...list: [string, string][]) => h('select', { name }, ...list.map(([value, words]) => h('option', { value }, words)));

  const variant = select('variant', ...options.map((v): [string, string] => [`${v.id}`, v.name || c.goods!.product]));
  const slots = select('at', ...c.offer.slots.map((s): [string, string] => [s, between(s, new Date(+new Date(s) + 36e5).toISOString(), desk.zone)]));
  const order = select('order', ['', t('calls.no_order')], ...c.orders.map((o): [string, string] => [o.number, o.number]));
  const now = c.offer.from_at && c.offer.to_at ? between(c.offer.from_at, c.offer.to_at, desk.zone) : '';
  const why = t('calls.why.' + c.offer.reason);
  const button = h('button', { class: 'main', type: 'submit' }, t(ref ? 'calls.send_goods' : 'calls.send'));

  const canWrite = desk.canWrite || c.offer.writes.length > 0;
  const fields = ref
    ? [
        h('p', {}, h('strong', {}, c.goods!.product)),
        options.length > 1 && field(t('calls.variant'), variant),
        canWrite && c.offer.calls && h('fieldset', {}, h('legend', {}, t('calls.how')), choice('how', 'call', t('calls.how_call'), true), choice('how', 'message', t('calls.how_message'), false)),
      ]
    : [
        h('p', { class: 'note' }, (why ? why + ' ' : '') + t('calls.between', { when: now })),
        h('fieldset', {}, h('legend', {}, t('calls.when')), choice('when', 'soon', t('calls.soon'), true), !!c.offer.slots.length && choice('when', 'slot', t('calls.slot'), false), !!c.offer.slots.length && slots),
        c.orders.length > 0 && field(t('calls.order'), order),
        field(t('calls.note'), note),
      ];
  slots.setAttribute('aria-label', t('calls.slot'));
  slots.onchange = () => (f.querySelector<HTMLInputElement>('[value=slot]')!.checked = true);
  const f = h('form', { noValidate: true }, ...fields, field(t('calls.number'), number), !!ref && c.offer.writes.includes('email') && field(t('calls.email'), email), field(t('calls.name'), name), h('p', { class: 'small' }, t('calls.consent')), problem, button);
  const chosen = (group: string) => f.querySelector<HTMLInputElement>(`[name=${group}]:checked`)?.value;
  const wrong = (text: string, at?: HTMLElement) => {
    problem.textContent = text;
    at?.setAttribute('aria-invalid', 'true');
    at?.setAttribute('aria-describedby', 'calls-problem');
    at?.focus();
  };
  f.onsubmit = async (e) => {
    e.preventDefault();
    if (button.disabled) return;
    problem.textContent = '';
    for (const x of [number, slots, email]) x.removeAttribute('aria-invalid');
    const how = !ref ? undefined : !c.offer.calls ? 'message' : chosen('how') || 'call';
    if (!number.value.trim() && (how !== 'message' || (!desk.canWrite && !email.value.trim()))) return wrong(t('calls.number_needed'), number);
    button.disabled = true;
    try {
      const a = await desk.api.request<Asking>('POST', 'calls', {
        client_id: id,
        number: number.value,
        name: name.value,
        email: email.isConnected ? email.value : undefined,
        ...(ref ? { variant_id: +variant.value, how, quantity: 1 } : { note: note.value, order: order.value || undefined, at: chosen('when') === 'slot' ? slots.value : undefined }),
      });
      desk.host.memory.contact = { ...contact, phone: number.value.trim(), name: name.value.trim() };
      desk.host.keep();
      done(a);
    } catch (e) {
      button.disabled = false;
      const field = refusal(e)?.field;
      wrong(words(e), field === 'number' ? number : field === 'at' ? slots : field === 'email' ? email : undefined);
    }
  };
  return f;
}

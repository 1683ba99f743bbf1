// The panel: what opens above the button. It knows the talk so far, sends and hears, and closes again without a trace on the shop's page.
import { Api, here, Problem } from './api';
import { Composer } from './composer';
import type { Attachment, Contact, Host, Memory, Order, Outgoing, Page, Panel, Session } from './contract';
import { h, icon } from './dom';
import { Live } from './live';
import css from './panel.css';
import { moment, t } from './text';
import { type Line, Thread } from './thread';

declare const ORDERS: string; // files of this language
declare const CALLS: string;

// What a visitor did in the shop.
interface Did {
  kind: unknown;
  data?: { id?: string };
  at: string | Date;
}

export function mount(host: Host): Panel {
  return new Chat(host);
}

class Chat implements Panel {
  #api: Api;
  #thread: Thread;
  #composer: Composer;
  #live: Live;
  #memory: Memory;
  #session?: Session;
  #starting?: Promise<void>;
  #isOpen = false;
  #conversation = 0;
  #unread = 0;
  #readSent = 0;
  #flushing = false;
  #flushTimer = 0;
  #typingTimer = 0;
  #pageTitle = '';
  #product?: string; // looked at on this page
  #gone = new AbortController();
  #sheet = new CSSStyleSheet();

  #heading = h('h2', { id: 'title' }, t('title'));
  #hours = h('p', { class: 'hours' });
  #status = h('p', { class: 'status', role: 'status' });
  #typing = h('p', { class: 'typing', 'aria-live': 'polite' });
  #said = h('p', { class: 'said', 'aria-live': 'polite' });
  #earlier = h('button', { type: 'button', class: 'link earlier', hidden: true, onclick: () => this.#loadEarlier() }, t('earlier'));
  #welcome = h('div', { class: 'welcome' });
  #body = h('div', { class: 'body' });
  #box: HTMLElement;

  #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.#memory = host.memory;
    this.#api = new Api(host);
    this.#thread = new Thread(host.base, (id) => this.#again(id));
    this.#composer = new Composer(this.#api, this.#memory, {
      send: (body, files, contact) => this.#send(body, files, contact),
      typing: (on) => this.#live.typing(on),
    });
    this.#live = new Live({
      url: host.base.replace(/^http/, 'ws') + 'live/visitor',
      token: () => this.#memory.token,
      heard: (p) => this.#heard(p),
      up: () => this.#catchUp(),
      refused: () => this.#api.session(),
      poll: () => this.#catchUp(),
    });
    this.#thread.element.prepend(this.#earlier, this.#welcome);
    this.#body.append(this.#thread.element, this.#typing, this.#status);
    const call = h('button', { type: 'button', class: 'close', 'aria-label': t('ask_call'), onclick: () => this.#calls() }, icon('M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1'));
    const close = h('button', { type: 'button', class: 'close', 'aria-label': t('close'), onclick: () => this.close() }, icon('m6 6 12 12M18 6 6 18'));
    this.#box = h(
      'div',
      { class: 'panel', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'title', hidden: true },
      h('div', { class: 'head' }, h('div', {}, this.#heading, this.#hours), call, close),
      h('div', { class: 'rest' }, this.#body, this.#composer.element),
    );
    this.#sheet.replaceSync(css);
    host.root.adoptedStyleSheets = [...host.root.adoptedStyleSheets, this.#sheet];
    host.frame.append(this.#box, this.#said);
    this.#listen();
    for (const o of this.#memory.outbox || []) this.#thread.pending(o, !o.failed);
    // Somebody was talking when he left the last page: his line is taken up again without being asked.
    if (this.#memory.open || this.#memory.outbox?.length) this.#start();
  }

  open() {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#box.hidden = false;
    this.#host.button.setAttribute('aria-expanded', 'true');
    this.#host.button.setAttribute('aria-label', t('close'));
    this.#host.frame.classList.add('open');
    this.#start();
    this.#thread.toEnd();
    this.#composer.input.focus({ preventScroll: true });
    this.#seen();
    this.#offer();
    this.#host.emit('open');
  }

  close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#box.hidden = true;
    this.#host.button.setAttribute('aria-expanded', 'false');
    this.#host.frame.classList.remove('open');
    this.#count(this.#unread);
    this.#host.button.focus({ preventScroll: true });
    this.#host.emit('close');
  }

  call(name: string, args: unknown[]) {
    if (name === 'close') this.close();
    else if (name === 'identify') this.#identify(args[0]);
    else if (name === 'forget') this.#forget();
    else if (name === 'watch' || name === 'call') {
      this.open();
      this.#calls(args[0] as string);
    }
    else if (name === 'track') this.#track({ kind: args[0], data: args[1] as Did['data'], at: new Date() });
  }

  destroy() {
    this.#gone.abort();
    this.#live.stop();
    clearTimeout(this.#flushTimer);
    this.#box.remove();
    this.#said.remove();
    this.#host.root.adoptedStyleSheets = this.#host.root.adoptedStyleSheets.filter((s) => s !== this.#sheet);
    this.#host.frame.classList.remove('open');
    this.#host.button.setAttribute('aria-expanded', 'false');
    if (this.#pageTitle) document.title = this.#pageTitle;
  }

  #listen() {
    const { signal } = this.#gone;
    addEventListener('online', () => this.#flush(), { signal });
    addEventListener('offline', () => this.#online(false), { signal });
    document.addEventListener('visibilitychange', () => this.#seen(), { signal });
    // Another page of the shop in another tab remembers into the same place.
    addEventListener(
      'storage',
      (e) => {
        if (e.key !== 'opeka:' + this.#host.store || !e.newValue) return;
        const mine = this.#memory.outbox || [];
        Object.assign(this.#memory, JSON.parse(e.newValue));
        this.#memory.outbox = [...mine, ...(this.#memory.outbox || []).filter((o) => !mine.some((m) => m.client_id === o.client_id))];
        if (this.#memory.open) this.#start();
      },
      { signal },
    );
    this.#box.addEventListener('keydown', (e) => {
      // What is typed here is none of the shop's shortcuts.
      e.stopPropagation();
      if (e.key === 'Escape' && !e.isComposing) this.close();
      if (e.key === 'Tab') this.#trap(e);
    });
    this.#box.addEventListener('dragover', (e) => {
      e.preventDefault();
      this.#box.classList.add('dragging');
    });
    this.#box.addEventListener('dragleave', (e) => {
      if (!this.#box.contains(e.relatedTarget as Node)) this.#box.classList.remove('dragging');
    });
    this.#box.addEventListener('drop', (e) => {
      e.preventDefault();
      this.#box.classList.remove('dragging');
      if (e.dataTransfer) this.#composer.attach(e.dataTransfer.files);
    });
  }

  #trap(e: KeyboardEvent) {
    const stops = [...this.#box.querySelectorAll<HTMLElement>('a[href],button,textarea,select,input:not([type=file]),[tabindex="0"]')].filter((x) => x.offsetParent && !x.closest('[inert]'));
    const end = e.shiftKey ? stops[0] : stops.at(-1);
    if (this.#host.root.activeElement !== end) return;
    e.preventDefault();
    (e.shiftKey ? stops.at(-1) : stops[0])!.focus();
  }

  // One session a page, opened when it is needed first.
  #start(): Promise<void> {
    return (this.#starting ||= this.#api.session().then(
      (s) => {
        this.#welcomeWith(s);
        this.#live.start();
        this.#flush();
        if (s.verified) this.#showOrders();
        for (const e of this.#memory.trail?.splice(0) || []) this.#track(e as Did);
        this.#host.keep();
      },
      (e) => {
        this.#starting = undefined;
        this.#online(false, e instanceof Problem ? e.message : undefined);
        if (!(e instanceof Problem)) this.#flushTimer = window.setTimeout(() => this.#start(), 4000 + Math.random() * 4000);
      },
    ));
  }

  #welcomeWith(s: Session) {
    const first = !this.#session;
    this.#session = s;
    this.#online(true);
    this.#host.color(s.color);
    this.#memory.color = s.color;
    this.#composer.maxFile = s.max_file;
    this.#heading.textContent = s.title || t('title');
    this.#hours.textContent = !s.open ? (s.opens_at ? t('opens', { when: moment(s.opens_at, s.time_zone) }) : t('closed')) : s.reply_minutes ? t('reply_minutes', { n: s.reply_minutes }) : t('here');
    if (s.messengers) this.#hours.append(' ', h('a', { class: 'else', href: new URL(s.messengers, this.#host.base).href, target: '_blank', rel: 'noopener' }, t('messengers')));
    this.#take(s);
    if (s.identity_refused) console.warn('opeka: the identity has a wrong hash');
    this.#composer.ask(!s.open && !s.verified && !this.#memory.contact);
    if (!this.#thread.size) {
      const ask = (text: string, k: string) => h('button', { type: 'button', class: 'quick', onclick: () => (k === 'ask_call' ? this.#calls() : this.#quick(text)) }, text);
      this.#welcome.replaceChildren(h('p', { class: 'bubble' }, (!s.open && s.offline) || s.greeting || t('greeting')), h('div', { class: 'quicks' }, ...['ask_order', 'ask_return', 'ask_call'].map((k) => ask(t(k), k))));
    }
    this.#earlier.hidden = !s.more;
    this.#thread.toEnd();
    if (!this.#isOpen) this.#count(s.unread);
    this.#seen();
    if (first) this.#host.emit('ready');
  }

  #quick(text: string) {
    // Outside of opening hours he is first asked how to reach him.
    if (this.#session?.open || this.#session?.verified || this.#memory.contact) this.#send(text, []);
    else this.#composer.fill(text);
  }

  #take(p: Page): Line[] {
    for (const c of p.conversations) this.#thread.read(c.id, c.read_seq);
    const current = p.conversations.reduce((a, c) => (c.id > a.id ? c : a), { id: 0, status: '', read_seq: 0 });
    if (current.id >= this.#conversation && current.id) {
      this.#conversation = current.id;
      this.#goesOn(current.status !== 'resolved');
    }
    const fresh = this.#thread.add(p.messages);
    if (this.#thread.size) this.#welcome.replaceChildren();
    return fresh;
  }

  async #catchUp() {
    const p = await this.#api.request<Page>('GET', 'messages?after=' + this.#thread.known);
    this.#online(true);
    this.#arrived(this.#take(p));
    this.#flush();
  }

  async #loadEarlier() {
    const top = this.#thread.element.scrollHeight;
    const p = await this.#api.request<Page>('GET', 'messages?before=' + this.#thread.oldest).catch(() => undefined);
    if (!p) return;
    this.#thread.add(p.messages);
    this.#earlier.hidden = !p.more;
    this.#thread.element.scrollTop = this.#thread.element.scrollHeight - top;
  }

  async #showOrders() {
    const { items } = await this.#api.request<{ items: Order[] }>('GET', 'orders').catch(() => ({ items: [] }));
    this.#box.querySelector('.orders')?.remove();
    if (!items.length) return;
    const { orderCards } = (await import(this.#host.base + 'widget/' + ORDERS)) as typeof import('./orders');
    this.#body.prepend(orderCards(this.#host, items, (text) => this.#composer.fill(text)));
    this.#thread.toEnd();
  }

  #send(body: string, attachments: Attachment[], contact?: Contact) {
    const o: Outgoing = { client_id: Date.now().toString(36) + Math.random().toString(36).slice(2), body, attachments, contact, at: new Date().toISOString() };
    this.#memory.outbox = [...(this.#memory.outbox || []), o].slice(-50);
    this.#host.keep();
    this.#welcome.replaceChildren();
    this.#thread.pending(o, true);
    this.#flush();
  }

  #again(clientId: string) {
    const o = this.#memory.outbox?.find((o) => o.client_id === clientId);
    if (!o) return;
    o.failed = undefined;
    this.#thread.pending(o, true);
    this.#flush();
  }

  // In the order of writing, one at a time; each has an id of its own, so that sending twice is harmless.
  async #flush() {
    if (this.#flushing || !this.#session) return;
    this.#flushing = true;
    clearTimeout(this.#flushTimer);
    try {
      for (let o; (o = this.#memory.outbox?.find((o) => o.failed === undefined)); ) {
        try {
          const ack = await this.#api.request<{ id: number; conversation_id: number; seq: number; created_at: string }>('POST', 'messages', {
            client_id: o.client_id,
            body: o.body,
            attachments: o.attachments.map((a) => a.id),
            contact: o.contact || this.#memory.contact,
            page: here(),
            language: this.#host.language,
          });
          const sent = o;
          this.#memory.outbox = this.#memory.outbox!.filter((x) => x.client_id !== sent.client_id);
          this.#thread.add([{ ...ack, from: 'customer', body: o.body, attachments: o.attachments, client_id: o.client_id }]);
          this.#conversation = ack.conversation_id;
          this.#goesOn(true);
          this.#online(true);
        } catch (e) {
          if (!(e instanceof Problem) || e.status === 429) {
            this.#online(false);
            this.#flushTimer = window.setTimeout(() => this.#flush(), 3000 + Math.random() * 4000);
            return;
          }
          o.failed = e.message;
          this.#thread.pending(o, false);
        }
        this.#host.keep();
      }
    } finally {
      this.#flushing = false;
    }
  }

  #heard(p: any) {
    if (p.t === 'message') {
      const line = { ...p.message, conversation_id: p.conversation_id } as Line;
      this.#setTyping(false);
      this.#conversation = Math.max(this.#conversation, p.conversation_id);
      this.#goesOn(true);
      this.#welcome.replaceChildren();
      this.#arrived(this.#thread.add([line]));
    } else if (p.t === 'typing') {
      this.#setTyping(p.on, p.name);
    } else if (p.t === 'read') {
      this.#thread.read(p.conversation_id, p.seq);
    } else if (p.t === 'status' && p.conversation_id === this.#conversation) {
      this.#goesOn(p.status !== 'resolved');
    }
  }

  #arrived(fresh: Line[]) {
    const theirs = fresh.filter((l) => l.from !== 'customer');
    if (!theirs.length) return;
    for (const l of theirs) this.#host.emit('message', { body: l.body, from: l.from });
    if (!this.#isOpen || document.hidden) this.#count(this.#unread + theirs.length);
    if (!this.#isOpen) this.#said.textContent = t('unread', { n: this.#unread });
    this.#seen();
  }

  // What is on the screen has been read.
  #seen() {
    const last = this.#thread.lastHeard;
    if (!this.#isOpen || document.hidden) return;
    this.#count(0);
    if (!last || last.id <= this.#readSent) return;
    this.#readSent = last.id;
    this.#api.request('POST', 'read', { conversation_id: last.conversation_id, seq: last.seq }).catch(() => (this.#readSent = 0));
  }

  #count(n: number) {
    if (n !== this.#unread) this.#host.emit('unread', n);
    this.#unread = n;
    this.#host.badge(this.#isOpen ? 0 : n);
    if (!this.#isOpen) this.#host.button.setAttribute('aria-label', t('open') + (n ? ': ' + t('unread', { n }) : ''));
    if (n) {
      this.#pageTitle ||= document.title;
      document.title = `(${n}) ${this.#pageTitle}`;
    } else if (this.#pageTitle) {
      document.title = this.#pageTitle;
      this.#pageTitle = '';
    }
  }

  #goesOn(on: boolean) {
    if (this.#session) this.#status.textContent = on ? '' : t('resolved');
    if (this.#memory.open === on) return;
    this.#memory.open = on;
    this.#host.keep();
  }

  #setTyping(on: boolean, name?: string) {
    clearTimeout(this.#typingTimer);
    this.#typing.textContent = on ? t('typing', { name: name || t('agent') }) : '';
    if (on) this.#typingTimer = window.setTimeout(() => this.#setTyping(false), 7000);
  }

  #online(on: boolean, why?: string) {
    const n = this.#memory.outbox?.length || 0;
    this.#status.classList.toggle('trouble', !on);
    if (!on) this.#status.textContent = why || (n ? t('offline', { n }) : t('offline_none'));
    else if (this.#status.textContent !== t('resolved')) this.#status.textContent = '';
  }

  #identify(who: unknown) {
    this.#api.identity = who;
    if (!this.#session) return;
    const before = this.#session.visitor;
    this.#starting = undefined;
    this.#live.stop();
    void this.#start().then(() => {
      // Somebody else's talk is not shown to him.
      if (this.#session?.visitor !== before) this.#blank();
    });
  }

  // Whoever signs out of a shop on a shared machine leaves nothing behind.
  #forget() {
    const { color } = this.#memory;
    for (const k of Object.keys(this.#memory)) delete this.#memory[k as keyof Memory];
    this.#memory.color = color;
    this.#host.keep();
    this.close();
    this.#live.stop();
    this.#api.identity = this.#session = this.#starting = undefined;
    this.#blank();
    this.#count(0);
  }

  #blank() {
    this.#thread.clear();
    this.#box.querySelector('.orders')?.remove();
    this.#conversation = this.#readSent = 0;
    if (this.#session) this.#welcomeWith(this.#session);
  }

  // To be rung, or to hear when something is there: over the talk, or offered beside it to who looks at something sold out.
  async #calls(ref?: string, offer?: boolean) {
    await this.#start();
    const m = (await import(this.#host.base + 'widget/' + CALLS).catch(() => this.#online(false))) as typeof import('./calls') | undefined;
    if (m && this.#session) m[offer ? 'offer' : 'show']({ api: this.#api, host: this.#host, zone: this.#session.time_zone, canWrite: !!this.#thread.size, body: this.#body, composer: this.#composer }, ref);
  }

  #offer() {
    if (this.#product && this.#isOpen) this.#calls(this.#product, true);
    if (this.#isOpen) this.#product = '';
  }

  #track(event: Did) {
    if (event.kind === 'product' && +new Date(event.at) > performance.timeOrigin) this.#product = event.data?.id;
    if (!this.#session) {
      this.#memory.trail = [...(this.#memory.trail || []), event].slice(-20);
      return this.#host.keep();
    }
    this.#api.request('POST', 'track', { events: [event] }).catch(() => {});
    this.#offer();
  }
}

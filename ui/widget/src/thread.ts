// The list of messages: one element per message, put in once and changed in place, so that a screen reader hears each message once.
import type { Attachment, Message, Outgoing } from './contract';
import { h, linked } from './dom';
import { clock, date, t } from './text';

export interface Line extends Message {
  state?: 'sending' | 'failed';
  why?: string;
}

interface Shown {
  line: Line;
  box: HTMLElement;
  day: HTMLElement;
  name: HTMLElement;
  bubble: HTMLElement;
  foot: HTMLElement;
}

export class Thread {
  readonly element = h('div', { class: 'log', role: 'log', 'aria-label': t('log'), tabIndex: 0 });
  #shown: Shown[] = [];
  #readTo: Record<number, number> = {};

  #base: string;
  #retry: (clientId: string) => void;

  constructor(
    base: string,
    retry: (clientId: string) => void,
  ) {
    this.#base = base;
    this.#retry = retry;
  }

  get size() {
    return this.#shown.length;
  }

  get oldest(): number {
    return this.#shown.find((s) => s.line.id)?.line.id || 0;
  }

  // What is known, for the question "what did I miss?": the last number of each conversation, and the newest id.
  get known(): string {
    const last: Record<number, number> = {};
    let newest = 0;
    for (const { line } of this.#shown) {
      if (!line.id) continue;
      last[line.conversation_id] = Math.max(last[line.conversation_id] || 0, line.seq);
      newest = Math.max(newest, line.id);
    }
    return newest + Object.entries(last).slice(-20).map(([id, seq]) => `,${id}:${seq}`).join('');
  }

  // The newest message of the shop's.
  get lastHeard(): Line | undefined {
    return this.#shown.findLast((s) => s.line.from !== 'customer')?.line;
  }

  add(lines: Line[]): Line[] {
    const fresh: Line[] = [];
    const near = this.#nearEnd;
    for (const line of lines) {
      const old = this.#shown.find((s) => (line.id && s.line.id === line.id) || (line.client_id && line.from === 'customer' && s.line.client_id === line.client_id));
      if (old) {
        // What was sent from here gets its number, and from then on its place.
        if (!old.line.id && line.id) {
          Object.assign(old.line, line, { state: undefined, why: undefined });
          this.#shown.splice(this.#shown.indexOf(old), 1);
          this.#place(old);
        }
        continue;
      }
      fresh.push(line);
      this.#place(this.#make(line));
    }
    this.#arrange();
    if (near) this.toEnd();
    return fresh;
  }

  pending(o: Outgoing, sending: boolean) {
    const s = this.#shown.find((s) => s.line.client_id === o.client_id);
    if (s) {
      if (!s.line.id) Object.assign(s.line, { state: sending ? 'sending' : 'failed', why: o.failed });
      this.#arrange();
      return;
    }
    this.add([{ id: 0, conversation_id: 0, seq: 0, from: 'customer', body: o.body, attachments: o.attachments, client_id: o.client_id, created_at: o.at, state: sending ? 'sending' : 'failed', why: o.failed }]);
    this.toEnd();
  }

  read(conversation: number, seq: number) {
    this.#readTo[conversation] = Math.max(this.#readTo[conversation] || 0, seq);
    this.#arrange();
  }

  clear() {
    for (const s of this.#shown.splice(0)) s.box.remove();
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  get #nearEnd() {
    const e = this.element;
    return e.scrollHeight - e.scrollTop - e.clientHeight < 80;
  }

  #make(line: Line): Shown {
    const author = typeof line.author === 'string' ? line.author : line.author?.name;
    const who = line.from === 'customer' ? t('you') : author || t(line.from === 'bot' ? 'bot' : 'agent');
    const s: Shown = {
      line,
      day: h('p', { class: 'day' }),
      name: h('span', { class: 'who' }, who),
      bubble: h('div', { class: 'bubble' }),
      foot: h('p', { class: 'foot' }),
      box: h('div', { class: 'message ' + (line.from === 'customer' ? 'mine' : line.from === 'system' ? 'system' : 'theirs') }),
    };
    if (line.body) s.bubble.append(...linked(line.body));
    for (const a of line.attachments || []) s.bubble.append(this.#file(a));
    s.box.append(s.day, s.name, s.bubble, s.foot);
    return s;
  }

  #file(a: Attachment): HTMLElement {
    const at = (path: string) => new URL(path, this.#base).href;
    const url = at(a.url);
    const link = h('a', { href: url, target: '_blank', rel: 'noopener', class: 'file' }, a.name, ' ', h('small', {}, size(a.size)));
    if (!/^image\/(png|jpeg|gif|webp|avif)$/.test(a.content_type)) return link;
    const w = Math.min(a.width || 220, 220);
    const image = h('img', { src: at(a.thumb_url || a.url), alt: a.name, loading: 'lazy', width: w, height: a.width ? Math.round((a.height * w) / a.width) : 150 });
    const frame = h('a', { href: url, target: '_blank', rel: 'noopener' }, image);
    image.onload = () => this.#nearEnd && this.toEnd();
    image.onerror = () => frame.replaceWith(link); // the page's policy lets no foreign pictures in
    return frame;
  }

  // By id; what has none yet stays last, in the order of sending.
  #place(s: Shown) {
    let i = this.#shown.length;
    if (s.line.id) while (i > 0 && (!this.#shown[i - 1]!.line.id || this.#shown[i - 1]!.line.id > s.line.id)) i--;
    const next = this.#shown[i]?.box || null;
    this.#shown.splice(i, 0, s);
    if (s.box.nextSibling !== next || !s.box.parentNode) this.element.insertBefore(s.box, next);
  }

  // Days, names and marks depend on the neighbours.
  #arrange() {
    const lastMine = this.#shown.findLast((s) => s.line.from === 'customer' && s.line.id);
    this.#shown.forEach((s, i) => {
      const { line } = s;
      const before = this.#shown[i - 1]?.line;
      set(s.day, before && date(before.created_at) === date(line.created_at) ? '' : date(line.created_at));
      s.box.classList.toggle('same', !s.day.textContent && before?.from === line.from && JSON.stringify(before.author) === JSON.stringify(line.author));
      s.box.classList.toggle('failed', line.state === 'failed');
      if (line.state === 'failed') {
        if (!s.foot.querySelector('button')) {
          const again = h('button', { class: 'retry', type: 'button', onclick: () => this.#retry(line.client_id) }, t('retry'));
          s.foot.replaceChildren((line.why || t('failed')) + ' ', again);
        }
      } else {
        const state = line.state ? t('sending') : s === lastMine ? t((this.#readTo[line.conversation_id] || 0) >= line.seq ? 'read' : 'sent') : '';
        set(s.foot, line.from === 'system' ? '' : [state, clock(line.created_at)].filter(Boolean).join(' · '));
      }
    });
  }
}

export function size(bytes: number): string {
  return bytes < 1e6 ? Math.ceil(bytes / 1000) + ' KB' : (bytes / 1e6).toFixed(1) + ' MB';
}

function set(e: HTMLElement, text: string) {
  if (e.textContent !== text) e.textContent = text;
}

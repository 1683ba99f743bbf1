// Where the visitor writes: text, files by picker, paste and drop, and outside of opening hours how to reach him.
import type { Api } from './api';
import type { Attachment, Contact, Memory } from './contract';
import { h, icon } from './dom';
import type { Upload } from './files';
import { t } from './text';

declare const FILES: string; // the file of this language

export class Composer {
  readonly input = h('textarea', { rows: 1, 'aria-label': t('input'), placeholder: t('input'), maxLength: 10000, enterKeyHint: 'send' });
  readonly element: HTMLFormElement;
  maxFile = 10e6;
  #picker = h('input', { type: 'file', multiple: true, hidden: true, tabIndex: -1, 'aria-hidden': 'true' });
  #send = h('button', { class: 'send', type: 'submit', 'aria-label': t('send') }, icon('m4 4 17 8-17 8 3-8z'));
  #chips = h('div', { class: 'chips' });
  #problem = h('p', { class: 'problem', role: 'alert' });
  #contact = h('div', { class: 'contact', hidden: true });
  #files: Upload[] = [];
  #idle = 0;

  #api: Api;
  #memory: Memory;
  #on: { send(body: string, files: Attachment[], contact?: Contact): void; typing(on: boolean): void };

  constructor(
    api: Api,
    memory: Memory,
    on: { send(body: string, files: Attachment[], contact?: Contact): void; typing(on: boolean): void },
  ) {
    this.#api = api;
    this.#memory = memory;
    this.#on = on;
    const field = (name: keyof Contact, type: string, autocomplete: string) =>
      h('input', { type, name, autocomplete, placeholder: t(name), 'aria-label': t(name), maxLength: 200, value: memory.contact?.[name] || '' });
    this.#contact.append(h('p', {}, t('closed_hint')), field('name', 'text', 'name'), field('email', 'email', 'email'), field('phone', 'tel', 'tel'));
    this.element = h(
      'form',
      { class: 'composer', noValidate: true, onsubmit: (e: Event) => (e.preventDefault(), this.#submit()) },
      this.#contact,
      this.#chips,
      this.#problem,
      h(
        'div',
        { class: 'row' },
        h('button', { class: 'clip', type: 'button', 'aria-label': t('attach'), onclick: () => this.#picker.click() }, icon('m20 11-8 8a5 5 0 0 1-7-7l8-8a3 3 0 0 1 5 5l-8 8a1 1 0 0 1-2-2l7-7')),
        this.#picker,
        this.input,
        this.#send,
      ),
    );
    this.#picker.onchange = () => (this.attach(this.#picker.files!), (this.#picker.value = ''));
    this.input.onkeydown = (e) => {
      if (e.key !== 'Enter' || e.shiftKey || e.isComposing) return;
      e.preventDefault();
      this.#submit();
    };
    this.input.oninput = () => {
      this.#grow();
      this.#on.typing(!!this.input.value);
      clearTimeout(this.#idle);
      this.#idle = window.setTimeout(() => this.#on.typing(false), 5000);
    };
    this.input.onpaste = (e) => {
      if (!e.clipboardData?.files.length) return;
      e.preventDefault();
      this.attach(e.clipboardData.files);
    };
  }

  // Asks how to reach a visitor whom nobody can answer now.
  ask(contact: boolean) {
    this.#contact.hidden = !contact;
  }

  attach(list: FileList) {
    const wanted = Array.from(list).slice(0, 10 - this.#files.length);
    const desk = { api: this.#api, files: this.#files, chips: this.#chips, max: this.maxFile, say: (text: string) => this.#say(text), focus: () => this.input.focus() };
    (import(this.#api.base + 'widget/' + FILES) as Promise<typeof import('./files')>).then(
      (m) => wanted.forEach((f) => m.upload(desk, f)),
      () => this.#say(t('offline_none')),
    );
  }

  fill(text: string) {
    this.input.value = text;
    this.#grow();
    this.input.focus();
  }

  #submit() {
    const body = this.input.value.trim();
    if (this.#files.some((f) => !f.done) || (!body && !this.#files.length)) return;
    let contact: Contact | undefined;
    if (!this.#contact.hidden) {
      contact = {};
      for (const i of this.#contact.querySelectorAll('input')) if (i.value.trim()) contact[i.name as keyof Contact] = i.value.trim();
      if (!contact.email && !contact.phone) {
        this.#say(t('contact_needed'));
        return this.#contact.querySelectorAll('input')[1]!.focus();
      }
      this.#memory.contact = contact;
      this.#contact.hidden = true;
    }
    this.#say('');
    this.#on.send(body, this.#files.map((f) => f.done!), contact);
    this.#files.length = 0;
    this.#chips.textContent = '';
    this.input.value = '';
    this.#grow();
    clearTimeout(this.#idle);
    this.#on.typing(false);
  }

  #say(text: string) {
    this.#problem.textContent = text;
  }

  #grow() {
    this.input.style.height = 'auto';
    this.input.style.height = Math.min(this.input.scrollHeight + 2, 124) + 'px';
  }
}

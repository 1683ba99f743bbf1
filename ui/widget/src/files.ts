// Files on their way to the shop: fetched by those who attach one.
import { type Api, answer } from './api';
import type { Attachment } from './contract';
import { h } from './dom';
import css from './files.css';
import { t } from './text';

export interface Upload {
  done?: Attachment;
  stop: AbortController;
}

// What the composer lends: its list, where the files are shown, and how it speaks.
interface Desk {
  api: Api;
  files: Upload[];
  chips: HTMLElement;
  max: number;
  say(text: string): void;
  focus(): void;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

export function upload(d: Desk, file: File) {
  const root = d.chips.getRootNode() as ShadowRoot;
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  if (file.size > d.max) return d.say(t('files.large', { name: file.name, n: Math.floor(d.max / 1e6) }));
  d.say('');
  const f: Upload = { stop: new AbortController() };
  d.files.push(f);
  const bar = h('progress', { max: 1, value: 0, 'aria-label': t('files.uploading', { name: file.name }) });
  const drop = () => {
    f.stop.abort();
    d.files.splice(d.files.indexOf(f) >>> 0, 1);
    chip.remove();
    d.focus();
  };
  const chip = h('span', { class: 'chip' }, h('span', {}, file.name), bar, h('button', { type: 'button', 'aria-label': t('files.remove', { name: file.name }), onclick: drop }, '×'));
  d.chips.append(chip);
  send(d.api, file, (share) => (bar.value = share), f.stop.signal).then(
    (a) => {
      f.done = a;
      bar.remove();
    },
    (e: Error) => {
      drop();
      d.say(e.message || t('files.failed', { name: file.name }));
    },
  );
}

// fetch can't tell how far an upload is.
function send(api: Api, file: File, progress: (share: number) => void, stop: AbortSignal): Promise<Attachment> {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    x.open('POST', api.base + 'widget/v1/uploads');
    for (const [k, v] of Object.entries(api.headers())) x.setRequestHeader(k, v);
    x.upload.onprogress = (e) => progress(e.loaded / (e.total || 1));
    x.onload = () => {
      try {
        done(answer<Attachment>(x.status, x.responseText));
      } catch (e) {
        fail(e);
      }
    };
    x.onerror = x.ontimeout = () => fail(new TypeError());
    stop.onabort = () => x.abort();
    const form = new FormData();
    form.append('file', file, file.name);
    x.send(form);
  });
}

// The one thing that every page of a shop loads: a button, a queue for calls, and the memory of the
// visitor. It makes no request; the panel is fetched when somebody reaches for it, or was talking already.
import type { Host, Memory, Panel } from './contract';
import css from './loader.css';

declare const PANELS: Record<string, string>; // language -> file
declare const LABELS: Record<string, string>; // language -> name of the button

(() => {
  const page = window as unknown as { opeka?: { (...call: unknown[]): void; q?: ArrayLike<unknown>[]; on?: 1 } };
  const script = document.currentScript as HTMLScriptElement | null;
  if (!script || page.opeka?.on) return;
  const { store = '', color, position, language } = script.dataset;
  const base = new URL('.', script.src).href;
  const shelf = 'opeka:' + store;

  let memory: Memory = {};
  try {
    memory = JSON.parse(localStorage[shelf]) || {};
  } catch {
    // private mode, or nothing kept yet: this page remembers for itself
  }
  const keep = () => {
    try {
      localStorage[shelf] = JSON.stringify(memory);
    } catch {
      // as above
    }
  };

  const known = (l?: string) => {
    const short = (l || '').slice(0, 2).toLowerCase();
    return PANELS[short] && short;
  };

  const element = document.createElement('opeka-chat');
  const root = element.attachShadow({ mode: 'closed' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  const frame = document.createElement('div');
  frame.className = 'frame ' + position;
  const button = document.createElement('button');
  button.className = 'launcher';
  button.setAttribute('aria-expanded', 'false');
  const svg = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(svg, 'svg');
  icon.setAttribute('viewBox', '0 0 24 24');
  icon.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(svg, 'path');
  shape.setAttribute('d', 'M12 3C6.5 3 2 6.7 2 11.3c0 2.6 1.4 4.9 3.7 6.4L5 22l4.3-2.4c.9.2 1.8.3 2.7.3 5.5 0 10-3.8 10-8.6S17.5 3 12 3z');
  icon.append(shape);
  const badge = document.createElement('span');
  badge.className = 'badge';
  button.append(icon, badge);
  frame.append(button);
  root.append(frame);

  const listeners: [string, (value?: unknown) => void][] = [];
  let module: Promise<{ mount(host: Host): Panel }> | undefined;
  let panel: Panel | undefined;

  const host: Host = {
    base,
    store,
    language: known(language) || known(document.documentElement.lang) || known(navigator.language) || 'en',
    root,
    frame,
    button,
    memory,
    keep,
    emit(event, value) {
      for (const [name, f] of listeners) if (name === event) f(value);
    },
    badge(n) {
      badge.textContent = n ? (n > 9 ? '9+' : '' + n) : '';
    },
    color(value) {
      // Black or white upon the shop's colour, whichever is easier to read.
      const n = /^#[\da-f]{6}$/i.test(value) ? parseInt(value.slice(1), 16) : NaN;
      if (isNaN(n)) return;
      const light = [n >> 16, (n >> 8) & 255, n & 255].map((v) => ((v /= 255) > 0.04 ? ((v + 0.055) / 1.055) ** 2.4 : v / 13));
      frame.style.setProperty('--accent', value);
      frame.style.setProperty('--on', 0.2126 * light[0]! + 0.7152 * light[1]! + 0.0722 * light[2]! > 0.18 ? '#111' : '#fff');
    },
  };
  const label = () => button.setAttribute('aria-label', LABELS[host.language]!);
  label();
  host.color(color || memory.color || '');

  const fetchPanel = () => (module ||= import(base + 'widget/' + PANELS[host.language]).catch((e) => ((module = undefined), Promise.reject(e))));
  const mount = async () => {
    const m = await fetchPanel();
    const p = (panel ||= m.mount(host));
    for (const [name, ...args] of queue.splice(0)) p.call(name, args);
    return p;
  };
  const open = () => void mount().then((p) => p.open(), () => {});

  const queue: [string, ...unknown[]][] = [];
  const call = (...[name, ...args]: unknown[]) => {
    if (name === 'on') {
      listeners.push(args as [string, () => void]);
    } else if (name === 'open') {
      open();
    } else if (name === 'language') {
      const next = known(args[0] as string);
      if (!next || next === host.language) return;
      host.language = next;
      module = undefined;
      label();
      if (panel) {
        const showing = button.getAttribute('aria-expanded') === 'true';
        panel.destroy();
        panel = undefined;
        void mount().then((p) => showing && p.open());
      }
    } else if (panel) {
      panel.call(name as string, args);
    } else if (name === 'track') {
      memory.trail = [...(memory.trail || []), { kind: args[0], data: args[1], at: new Date() }].slice(-20);
      keep();
    } else {
      queue.push([name as string, ...args]);
      if (/watch|call/.test(name as string)) open();
    }
  };
  const before = page.opeka?.q || [];
  page.opeka = call;
  page.opeka.on = 1;
  for (const args of Array.from(before)) call(...Array.from(args));

  button.onclick = () => (button.getAttribute('aria-expanded') === 'true' ? panel?.close() : open());
  button.onpointerenter = button.onfocus = () => void fetchPanel().catch(() => {});
  document.documentElement.append(element);
  if (memory.open || memory.outbox?.length) (window.requestIdleCallback || setTimeout)(() => void mount().catch(() => {}));
})();

// A letter's HTML as it is shown: built anew from what the server has cleaned, element by element, so that nothing in it can act, load
// or look like the desk itself. Links say where they lead; pictures that lie elsewhere wait to be asked for; what it quotes is split off.

export interface Built {
  said: DocumentFragment;
  /** What is folded away; null: nothing. */
  rest: DocumentFragment | null;
  /** How many pictures lie elsewhere. */
  remote: number;
}

interface Ask {
  /** The text that the server took for the letter's own, and what it folded away. */
  said: string;
  quoted: string;
  pictures: boolean;
  words: { leads: (host: string) => string; picture: string };
}

const kept = new Set(
  (
    'P BR DIV SPAN B STRONG I EM U S DEL INS SUB SUP SMALL MARK CODE PRE HR BLOCKQUOTE UL OL LI DL DT DD ' +
    'TABLE THEAD TBODY TFOOT TR TD TH CAPTION'
  ).split(' '),
);
const dropped = new Set(
  'SCRIPT STYLE HEAD TITLE TEMPLATE NOSCRIPT SVG MATH IFRAME OBJECT EMBED SELECT TEXTAREA BUTTON INPUT FORM'.split(
    ' ',
  ),
);
const enclosed = /^\/api\/v1\/attachments\/\d+$/;

export function build(html: string, ask: Ask): Built {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const root = document.createElement('div');
  let remote = 0;

  function copy(from: Node, into: Element): void {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) into.append(node.textContent ?? '');
      if (!(node instanceof Element) && node.nodeType !== Node.ELEMENT_NODE) continue;
      const element = node as Element;
      const tag = element.tagName.toUpperCase();
      if (dropped.has(tag)) continue;
      if (tag === 'A') link(element, into);
      else if (tag === 'IMG') picture(element, into);
      else if (/^H[1-6]$/.test(tag)) {
        // Its headings aren't the page's.
        const p = document.createElement('p');
        const strong = document.createElement('strong');
        copy(element, strong);
        p.append(strong);
        into.append(p);
      } else if (kept.has(tag)) {
        const made = document.createElement(tag);
        for (const name of ['colspan', 'rowspan', 'dir']) {
          const value = element.getAttribute(name);
          if (value) made.setAttribute(name, value);
        }
        copy(element, made);
        into.append(made);
      } else copy(element, into);
    }
  }

  function link(element: Element, into: Element): void {
    const href = element.getAttribute('href') ?? '';
    if (!/^(https?:\/\/|mailto:|tel:)/i.test(href)) return copy(element, into);
    const made = document.createElement('a');
    made.href = href;
    made.target = '_blank';
    made.rel = 'noopener noreferrer nofollow';
    made.title = href;
    copy(element, made);
    into.append(made);
    const told = leads(made.textContent ?? '', href);
    if (!told) return;
    const where = document.createElement('span');
    where.className = told.lies ? 'lies' : 'where';
    where.textContent = told.lies ? ` ⚠ ${ask.words.leads(told.host)}` : ` (${told.host})`;
    into.append(where);
  }

  function picture(element: Element, into: Element): void {
    const alt = element.getAttribute('alt') ?? '';
    const src = element.getAttribute('src') ?? '';
    const away = element.getAttribute('data-remote') ?? '';
    if (enclosed.test(src) || (away && ask.pictures)) {
      const made = document.createElement('img');
      made.alt = alt;
      made.loading = 'lazy';
      made.referrerPolicy = 'no-referrer';
      made.src = enclosed.test(src) ? src : away.replace(/^http:/i, 'https:');
      if (away) remote++;
      into.append(made);
      return;
    }
    if (!away) return void into.append(alt);
    remote++;
    const made = document.createElement('span');
    made.className = 'picture';
    made.textContent = alt.trim() || ask.words.picture;
    into.append(made);
  }

  copy(page.body, root);
  const rest = fold(root, ask.said, ask.quoted);
  const said = document.createDocumentFragment();
  said.append(...root.childNodes);
  return { said, rest, remote };
}

/** Where a link leads, when its words don't say so; `lies`: they name another place. */
export function leads(words: string, href: string): { host: string; lies: boolean } | undefined {
  const url = /^https?:/i.test(href) ? parsed(href) : undefined;
  if (!url) return undefined;
  const host = url.hostname.replace(/^www\./, '');
  if (words.toLowerCase().includes(host)) return undefined;
  const named = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[/:?#]|\s*$)/iu.exec(words.trim());
  return { host, lies: !!named && !words.includes('@') };
}

const letters = (s: string) => s.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();

/** Splits off what the letter quotes: where the text begins that the server folded away. */
function fold(root: Element, said: string, quoted: string): DocumentFragment | null {
  const key = letters(quoted.slice(0, 400)).slice(0, 48);
  if (key.length >= 4) {
    // All letters of the page in a row, with the place of each.
    let all = '';
    const places: { node: Text; at: number }[] = [];
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode() as Text | null; node; node = walk.nextNode() as Text | null) {
      if ((node.parentElement?.className ?? '') !== '') continue;
      let at = 0;
      for (const c of node.data) {
        for (const l of letters(c)) {
          all += l;
          places.push({ node, at });
        }
        at += c.length;
      }
    }
    const tail = letters(said.slice(-200)).slice(-24);
    const after = tail ? all.indexOf(tail) : -1;
    const from = all.indexOf(key, after < 0 ? 0 : after + tail.length);
    if (from > 0) return cut(root, places[from]!);
    if (from === 0) return null;
  }
  // A quotation at the very end folds by itself.
  const last = root.lastElementChild;
  if (last?.tagName === 'BLOCKQUOTE' && letters(root.textContent ?? '') !== letters(last.textContent ?? '')) {
    const out = document.createDocumentFragment();
    out.append(last);
    return out;
  }
  return null;
}

const lines = new Set('P DIV BLOCKQUOTE LI TR TD TABLE UL OL PRE'.split(' '));

/** The outermost element that begins with this text: folding keeps its frame together. */
function lineStart(root: Element, node: Text): Node {
  let found: Node = node;
  for (let at: Node = node; at.parentNode && at.parentNode !== root; at = at.parentNode) {
    let before = at.previousSibling;
    while (before && !(before.textContent ?? '').trim()) before = before.previousSibling;
    if (before) break;
    if (lines.has((at.parentNode as Element).tagName)) found = at.parentNode;
  }
  return found;
}

/** Takes out everything from a place to the end. Signs before its first letter ("-- ", "> ") go along. */
function cut(root: Element, place: { node: Text; at: number }): DocumentFragment {
  const before = place.node.data.slice(0, place.at);
  const word = before.search(/[\p{L}\p{N}][^\p{L}\p{N}]*$/u);
  let first: Node;
  if (word < 0) first = lineStart(root, place.node);
  else {
    const line = before.indexOf('\n', word);
    first = place.node.splitText(line < 0 ? place.at : line + 1);
  }
  let carried = document.createDocumentFragment();
  let parent = first.parentNode!;
  take(first);
  while (parent !== root) {
    const shell = parent.cloneNode(false) as Element;
    shell.append(carried);
    carried = document.createDocumentFragment();
    carried.append(shell);
    const next = parent.nextSibling;
    parent = parent.parentNode!;
    if (next) take(next);
  }
  return carried;

  function take(from: ChildNode | Node): void {
    for (let at: Node | null = from; at;) {
      const next: Node | null = at.nextSibling;
      carried.append(at);
      at = next;
    }
  }
}

function parsed(href: string): URL | undefined {
  try {
    return new URL(href);
  } catch {
    return undefined;
  }
}

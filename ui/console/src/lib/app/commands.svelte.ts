// Everything that can be done by a key stands here once: the keyboard, the palette, the help sheet and the hints on
// buttons read the same list. Keys are named by their place (event.code), so Cyrillic layouts work.
import type { Component } from 'svelte';

export type Group = 'go' | 'list' | 'conversation' | 'composer' | 'call' | 'app';
export interface Command {
  id: string;
  group: Group;
  label: string;
  /** "KeyE", "Ctrl+Enter", "KeyG KeyI"; Ctrl is also the Mac's command key. */
  keys?: string;
  icon?: Component;
  /** Also works while typing, as chords with Ctrl do. */
  inText?: boolean;
  /** Shown in the help sheet, but not offered by the palette. */
  quiet?: boolean;
  run: () => void;
}

// Effects offer and withdraw in one and the same round, in which a withdrawal still sees the state as it was before: the offers
// themselves are no state, and what tells of a change counts by itself.
let layers: Command[][] = [];
let round = 0;
let changed = $state(0);
let keymap = $state.raw<Record<string, string>>({});
const sequenceMs = 1200;

const list = $derived((void changed, dedupe(layers)));

function dedupe(all: Command[][]): Command[] {
  const byId = new Map<string, Command>();
  for (const layer of all) for (const command of layer) byId.set(command.id, command);
  return [...byId.values()];
}

export const commands = {
  get all(): Command[] {
    return list;
  },
  /** Offers commands until the returned function is called; the latest offer of an id wins. */
  offer(offered: Command[]): () => void {
    layers.push(offered);
    changed = ++round;
    return () => {
      layers = layers.filter((l) => l !== offered);
      changed = ++round;
    };
  },
  remap(map: Record<string, string>): void {
    keymap = map;
  },
  keysOf(command: Pick<Command, 'id' | 'keys'>): string | undefined {
    return keymap[command.id] ?? command.keys;
  },
  /** The keys of a command by its id, for the hint on a button. */
  keysFor(id: string): string | undefined {
    const command = list.find((c) => c.id === id);
    return command && (keymap[id] ?? command.keys);
  },
  run(id: string): void {
    list.find((c) => c.id === id)?.run();
  },
};

/** The name of what was pressed, in the notation of Command.keys. */
export function chordOf(event: KeyboardEvent): string {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push('Ctrl');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey) parts.push('Shift');
  parts.push(event.code === 'NumpadEnter' ? 'Enter' : event.code);
  return parts.join('+');
}

const mac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform);
const names: Record<string, string> = {
  Enter: '↵',
  Escape: 'Esc',
  Slash: '/',
  Backslash: '\\',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Space: '␣',
  Period: '.',
  Comma: ',',
};

/** The caps to draw for a key notation: "Ctrl+Shift+Enter" -> [["Ctrl", "⇧", "↵"]]. */
export function caps(keys: string): string[][] {
  return keys.split(' ').map((chord) => {
    if (chord === 'Shift+Slash') return ['?'];
    return chord.split('+').map((part) => {
      if (part === 'Ctrl') return mac ? '⌘' : 'Ctrl';
      if (part === 'Shift') return '⇧';
      if (part === 'Alt') return mac ? '⌥' : 'Alt';
      return names[part] ?? part.replace(/^(Key|Digit)/, '');
    });
  });
}

function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  if (!element?.matches) return false;
  return element.matches(
    'input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]',
  );
}

/** Listens on the whole window. An open dialog or menu keeps the keys for itself. */
export function startKeyboard(): () => void {
  let first = '';
  let firstAt = 0;
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || !event.code) return;
    if (/^(Shift|Control|Alt|Meta)/.test(event.code)) return;
    const chord = chordOf(event);
    const inText = typing(event.target);
    const withCtrl = event.ctrlKey || event.metaKey;
    const blocked = document.querySelector('[role=dialog], [role=alertdialog], [role=menu]') !== null;
    const sequence = first && event.timeStamp - firstAt < sequenceMs ? `${first} ${chord}` : '';
    first = '';
    const hit = (wanted: string) =>
      list.find(
        (c) => commands.keysOf(c) === wanted && (!inText || withCtrl || c.inText) && (!blocked || c.inText),
      );
    const found = (sequence && hit(sequence)) || hit(chord);
    if (found) {
      event.preventDefault();
      found.run();
      return;
    }
    if (!inText && !withCtrl && !blocked && list.some((c) => commands.keysOf(c)?.startsWith(chord + ' '))) {
      first = chord;
      firstAt = event.timeStamp;
    }
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}

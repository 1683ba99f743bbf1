import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { caps, commands, startKeyboard } from './commands.svelte';

const press = (code: string, more: KeyboardEventInit = {}, target: EventTarget = document.body) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { code, bubbles: true, cancelable: true, ...more }));

describe('keys', () => {
  const next = vi.fn();
  const send = vi.fn();
  const inbox = vi.fn();
  let stops: (() => void)[] = [];

  beforeEach(() => {
    vi.clearAllMocks();
    document.body.innerHTML = '<textarea></textarea>';
    stops = [
      startKeyboard(),
      commands.offer([
        { id: 'next', group: 'list', label: 'Next', keys: 'KeyJ', run: next },
        { id: 'send', group: 'composer', label: 'Send', keys: 'Ctrl+Enter', inText: true, run: send },
        { id: 'inbox', group: 'go', label: 'Inbox', keys: 'KeyG KeyI', run: inbox },
      ]),
    ];
  });
  afterEach(() => {
    stops.forEach((stop) => stop());
    commands.remap({});
  });

  it('work by their place, whatever the layout writes', () => {
    press('KeyJ', { key: 'о' });
    expect(next).toHaveBeenCalledOnce();
  });

  it('leave the text alone while someone types, but for chords', () => {
    const area = document.querySelector('textarea')!;
    press('KeyJ', {}, area);
    expect(next).not.toHaveBeenCalled();
    press('Enter', { ctrlKey: true }, area);
    press('NumpadEnter', { metaKey: true }, area);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('follow one another', () => {
    press('KeyG');
    press('KeyI');
    expect(inbox).toHaveBeenCalledOnce();
    press('KeyI');
    expect(inbox).toHaveBeenCalledOnce();
  });

  it('rest while a dialog is open', () => {
    document.body.insertAdjacentHTML('beforeend', '<div role="dialog"></div>');
    press('KeyJ');
    expect(next).not.toHaveBeenCalled();
  });

  it('can be given anew', () => {
    commands.remap({ next: 'KeyB' });
    press('KeyJ');
    expect(next).not.toHaveBeenCalled();
    press('KeyB');
    expect(next).toHaveBeenCalledOnce();
    expect(commands.keysFor('next')).toBe('KeyB');
  });

  it('go with those who offered them', () => {
    stops.pop()!();
    press('KeyJ');
    expect(next).not.toHaveBeenCalled();
  });

  it('are drawn as caps', () => {
    expect(caps('Ctrl+Shift+Enter')).toEqual([['Ctrl', '⇧', '↵']]);
    expect(caps('KeyG KeyI')).toEqual([['G'], ['I']]);
    expect(caps('Shift+Slash')).toEqual([['?']]);
  });
});

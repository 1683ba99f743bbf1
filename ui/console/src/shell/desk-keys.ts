// The keys of the inbox by their ids: offered there, and listed in settings where the inbox is not on the screen.
import type { Command, Group } from '$lib/app/commands.svelte';
import { t, type Key } from '$lib/i18n/index.svelte';

const keys = {
  'list.next': ['list', 'KeyJ', 'key.next'],
  'list.previous': ['list', 'KeyK', 'key.previous'],
  'list.open': ['list', 'Enter', 'key.open'],
  'list.search': ['list', 'Slash', 'key.search'],
  'list.fresh': ['list', 'KeyU', 'key.fresh'],
  'list.select': ['list', 'KeyX', 'key.select'],
  'conversation.close': ['conversation', 'KeyE', 'key.close'],
  'conversation.assign': ['conversation', 'KeyA', 'key.assign'],
  'conversation.mine': ['conversation', 'KeyI', 'key.mine'],
  'conversation.snooze': ['conversation', 'KeyS', 'key.snooze'],
  'conversation.tag': ['conversation', 'KeyT', 'key.tag'],
  'conversation.topic': ['conversation', 'KeyM', 'key.topic'],
  'conversation.customer': ['conversation', 'KeyD', 'key.customer'],
  'composer.reply': ['composer', 'KeyR', 'key.reply'],
  'composer.note': ['composer', 'KeyN', 'key.note'],
  'composer.macros': ['composer', 'Ctrl+Slash', 'composer.macros'],
  'composer.send': ['composer', 'Ctrl+Enter', 'key.send'],
  'composer.send_close': ['composer', 'Ctrl+Shift+Enter', 'key.send_close'],
} as const satisfies Record<string, readonly [Group, string, Key]>;

export type DeskKey = keyof typeof keys;

export function deskKey(id: DeskKey): Pick<Command, 'id' | 'group' | 'keys' | 'label'> {
  const [group, chord, label] = keys[id];
  return { id, group, keys: chord, label: t(label) };
}

export function deskKeys(): Pick<Command, 'id' | 'group' | 'keys' | 'label'>[] {
  return (Object.keys(keys) as DeskKey[]).map(deskKey);
}

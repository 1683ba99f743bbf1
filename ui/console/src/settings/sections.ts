// The sections of settings, in the order of the navigation. A section is one entry here and one component that fills
// the right side; who lacks the permission doesn't see it.
import Keyboard from '@lucide/svelte/icons/keyboard';
import User from '@lucide/svelte/icons/user';
import type { Component } from 'svelte';
import type { Key } from '$lib/i18n/index.svelte';

export interface Section {
  key: string;
  label: Key;
  icon: Component;
  group: 'own' | 'shop' | 'people' | 'channels' | 'system';
  permission?: string;
  load: () => Promise<{ default: Component }>;
}

export const sections: Section[] = [
  {
    key: 'profile',
    label: 'settings.profile',
    icon: User,
    group: 'own',
    load: () => import('./Profile.svelte'),
  },
  { key: 'keys', label: 'settings.keys', icon: Keyboard, group: 'own', load: () => import('./Keys.svelte') },
];

// The desk's places, in the order of rail and bottom bar.
import AudioLines from '@lucide/svelte/icons/audio-lines';
import ClipboardList from '@lucide/svelte/icons/clipboard-list';
import Headset from '@lucide/svelte/icons/headset';
import Inbox from '@lucide/svelte/icons/inbox';
import PackageSearch from '@lucide/svelte/icons/package-search';
import PhoneCall from '@lucide/svelte/icons/phone-call';
import Settings from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users';
import type { RouteName } from '$lib/app/router.svelte';
import { href } from '$lib/app/router.svelte';
import { session } from '$lib/app/session.svelte';

export const places = [
  {
    key: 'inbox',
    label: 'nav.inbox',
    icon: Inbox,
    command: 'go.inbox',
    href: href('inbox', { view: 'open' }),
    routes: ['inbox'],
  },
  {
    key: 'customers',
    label: 'nav.customers',
    icon: Users,
    command: 'go.customers',
    href: href('customers'),
    routes: ['customers', 'customer', 'order'],
  },
  {
    key: 'stock',
    label: 'nav.stock',
    icon: PackageSearch,
    command: 'go.stock',
    href: href('stock'),
    routes: ['stock'],
  },
  {
    key: 'work',
    label: 'nav.work',
    icon: ClipboardList,
    command: 'go.work',
    href: href('work'),
    routes: ['work'],
  },
  {
    key: 'callbacks',
    label: 'nav.callbacks',
    icon: PhoneCall,
    command: 'go.callbacks',
    href: href('callbacks'),
    routes: ['callbacks'],
    permission: 'phone.use',
  },
  {
    key: 'calls',
    label: 'nav.calls',
    icon: Headset,
    command: 'go.calls',
    href: href('calls'),
    routes: ['calls'],
    permission: 'phone.supervise',
  },
  {
    key: 'recordings',
    label: 'nav.recordings',
    icon: AudioLines,
    command: 'go.recordings',
    href: href('recordings'),
    routes: ['recordings'],
    permission: 'phone.recordings',
  },
  {
    key: 'settings',
    label: 'nav.settings',
    icon: Settings,
    command: 'go.settings',
    href: href('settings'),
    routes: ['settings'],
  },
] as const satisfies { routes: readonly RouteName[]; [key: string]: unknown }[];

/** Those that the agent may see. */
export const open = () => places.filter((p) => !('permission' in p) || session.can(p.permission));

/** Those in the bar at the bottom of a phone: settings are in the agent's menu, recordings are reached from the calls where he has those. */
export const below = () =>
  open().filter((p) => p.key !== 'settings' && (p.key !== 'recordings' || !session.can('phone.supervise')));

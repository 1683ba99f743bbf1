// What the shell itself can do, on every page.
import CircleHelp from '@lucide/svelte/icons/circle-question-mark';
import AudioLines from '@lucide/svelte/icons/audio-lines';
import ClipboardList from '@lucide/svelte/icons/clipboard-list';
import Headset from '@lucide/svelte/icons/headset';
import Inbox from '@lucide/svelte/icons/inbox';
import LogOut from '@lucide/svelte/icons/log-out';
import Moon from '@lucide/svelte/icons/moon';
import PackageSearch from '@lucide/svelte/icons/package-search';
import PhoneCall from '@lucide/svelte/icons/phone-call';
import Search from '@lucide/svelte/icons/search';
import Settings from '@lucide/svelte/icons/settings';
import UserCheck from '@lucide/svelte/icons/user-check';
import Users from '@lucide/svelte/icons/users';
import type { PresenceState } from '$lib/api';
import { commands, type Command } from '$lib/app/commands.svelte';
import { go, href } from '$lib/app/router.svelte';
import { chooseTheme, session, setPresence, signOut } from '$lib/app/session.svelte';
import { toasts } from '$lib/app/toasts.svelte';
import { t } from '$lib/i18n/index.svelte';

let palette = $state(false);
let help = $state(false);
let everOpened = $state(false);

/** The two sheets of the shell: their code is fetched when first opened. */
export const sheets = {
  get palette(): boolean {
    return palette;
  },
  set palette(open: boolean) {
    palette = open;
    everOpened ||= open;
  },
  get help(): boolean {
    return help;
  },
  set help(open: boolean) {
    help = open;
    everOpened ||= open;
  },
  get everOpened(): boolean {
    return everOpened;
  },
};

export const presenceStates: PresenceState[] = ['ready', 'busy', 'away', 'offline'];
export const presenceDot: Record<PresenceState, string> = {
  ready: 'var(--good)',
  busy: 'var(--bad)',
  away: 'var(--warn)',
  offline: 'var(--line-strong)',
};

export function offerShellCommands(): () => void {
  const list: Command[] = [
    {
      id: 'app.find',
      group: 'app',
      label: t('command.find'),
      keys: 'Ctrl+KeyK',
      icon: Search,
      inText: true,
      quiet: true,
      run: () => (sheets.palette = true),
    },
    {
      id: 'go.inbox',
      group: 'go',
      label: t('nav.inbox'),
      keys: 'KeyG KeyI',
      icon: Inbox,
      run: () => go(href('inbox', { view: 'open' })),
    },
    {
      id: 'go.customers',
      group: 'go',
      label: t('nav.customers'),
      keys: 'KeyG KeyC',
      icon: Users,
      run: () => go(href('customers')),
    },
    {
      id: 'go.stock',
      group: 'go',
      label: t('nav.stock'),
      keys: 'KeyG KeyP',
      icon: PackageSearch,
      run: () => go(href('stock')),
    },
    {
      id: 'go.work',
      group: 'go',
      label: t('nav.work'),
      keys: 'KeyG KeyW',
      icon: ClipboardList,
      run: () => go(href('work')),
    },
    ...(session.can('phone.use')
      ? [
          {
            id: 'go.callbacks',
            group: 'go' as const,
            label: t('nav.callbacks'),
            keys: 'KeyG KeyB',
            icon: PhoneCall,
            run: () => go(href('callbacks')),
          },
          {
            id: 'go.calls',
            group: 'go' as const,
            label: t('nav.calls'),
            keys: 'KeyG KeyL',
            icon: Headset,
            run: () => go(href('calls')),
          },
        ]
      : []),
    ...(session.can('phone.recordings')
      ? [
          {
            id: 'go.recordings',
            group: 'go' as const,
            label: t('nav.recordings'),
            keys: 'KeyG KeyV',
            icon: AudioLines,
            run: () => go(href('recordings')),
          },
        ]
      : []),
    {
      id: 'go.settings',
      group: 'go',
      label: t('nav.settings'),
      keys: 'KeyG KeyS',
      icon: Settings,
      run: () => go(href('settings')),
    },
    {
      id: 'app.help',
      group: 'app',
      label: t('command.help'),
      keys: 'Shift+Slash',
      icon: CircleHelp,
      run: () => (sheets.help = true),
    },
    { id: 'app.undo', group: 'app', label: t('act.undo'), keys: 'KeyZ', quiet: true, run: toasts.undoLatest },
    {
      id: 'app.theme',
      group: 'app',
      label: t('command.theme'),
      icon: Moon,
      run: () => chooseTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'),
    },
    ...presenceStates.map((state) => ({
      id: 'presence.' + state,
      group: 'app' as const,
      label: t('command.presence', { state: t(`presence.${state}`) }),
      icon: UserCheck,
      run: () => void setPresence(state),
    })),
    {
      id: 'app.sign_out',
      group: 'app',
      label: t('command.sign_out'),
      icon: LogOut,
      run: () => void signOut(),
    },
  ];
  for (const [i, store] of session.stores.entries()) {
    if (session.stores.length > 1)
      list.push({
        id: 'store.' + store.id,
        group: 'app',
        label: t('command.store', { name: store.name }),
        keys: i < 8 ? `Alt+Digit${i + 1}` : undefined,
        run: () => session.lookAt(store.id),
      });
  }
  if (session.stores.length > 1)
    list.push({
      id: 'store.all',
      group: 'app',
      label: t('store.all'),
      keys: 'Alt+Digit0',
      run: () => session.lookAt(0),
    });
  return commands.offer(list);
}

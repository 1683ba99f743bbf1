// The sections of settings, in the order of the navigation. A section is one entry here and one component that fills
// the right side; who lacks the permission doesn't see it.
import BookText from '@lucide/svelte/icons/book-text';
import Building from '@lucide/svelte/icons/building-2';
import FileText from '@lucide/svelte/icons/file-text';
import FileUp from '@lucide/svelte/icons/file-up';
import Clock from '@lucide/svelte/icons/clock';
import Inbox from '@lucide/svelte/icons/inbox';
import Keyboard from '@lucide/svelte/icons/keyboard';
import ListOrdered from '@lucide/svelte/icons/list-ordered';
import MailX from '@lucide/svelte/icons/mail-x';
import MessageCircle from '@lucide/svelte/icons/message-circle';
import MessageSquareQuote from '@lucide/svelte/icons/message-square-quote';
import MessagesSquare from '@lucide/svelte/icons/messages-square';
import MonitorSmartphone from '@lucide/svelte/icons/monitor-smartphone';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import KeySquare from '@lucide/svelte/icons/key-square';
import KeyRound from '@lucide/svelte/icons/key-round';
import ListChecks from '@lucide/svelte/icons/list-checks';
import Bell from '@lucide/svelte/icons/bell';
import ShoppingBag from '@lucide/svelte/icons/shopping-bag';
import Phone from '@lucide/svelte/icons/phone';
import Deskphone from '@lucide/svelte/icons/tablet-smartphone';
import PhoneCall from '@lucide/svelte/icons/phone-call';
import PhoneIncoming from '@lucide/svelte/icons/phone-incoming';
import PhoneOutgoing from '@lucide/svelte/icons/phone-outgoing';
import Plug from '@lucide/svelte/icons/plug';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import ShieldAlert from '@lucide/svelte/icons/shield-alert';
import Webhook from '@lucide/svelte/icons/webhook';
import Store from '@lucide/svelte/icons/store';
import Tag from '@lucide/svelte/icons/tag';
import User from '@lucide/svelte/icons/user';
import Users from '@lucide/svelte/icons/users';
import UsersRound from '@lucide/svelte/icons/users-round';
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

type Load = Section['load'];
const section =
  (group: Section['group'], permission?: string) =>
  (key: string, label: Key, icon: Component, load: Load): Section => ({
    key,
    label,
    icon,
    group,
    permission,
    load,
  });
const own = section('own');
const shop = section('shop', 'settings.manage');
const connected = section('channels', 'connections.manage');
const keyed = section('channels', 'keys.manage');
const people = section('people', 'people.manage');

export const sections: Section[] = [
  own('profile', 'settings.profile', User, () => import('./Profile.svelte')),
  own('keys', 'settings.keys', Keyboard, () => import('./Keys.svelte')),
  section('own', 'phone.use')('my-phone', 'settings.my_phone', Phone, () => import('./MyPhone.svelte')),
  own('sessions', 'settings.sessions', MonitorSmartphone, () => import('./Sessions.svelte')),
  shop('start', 'settings.start', ListChecks, () => import('./Start.svelte')),
  shop('stores', 'settings.stores', Store, () => import('./Stores.svelte')),
  shop('hours', 'settings.hours', Clock, () => import('./Hours.svelte')),
  shop('widget', 'settings.widget', MessageCircle, () => import('./Widget.svelte')),
  shop('notices', 'settings.notices', Bell, () => import('./Notices.svelte')),
  shop('words', 'settings.words', FileText, () => import('./Words.svelte')),
  shop('buy', 'settings.buy', ShoppingBag, () => import('./Buy.svelte')),
  section('shop', 'commerce.read')(
    'notice-log',
    'settings.notice_log',
    BookText,
    () => import('./NoticesLog.svelte'),
  ),
  shop('queues', 'settings.queues', ListOrdered, () => import('./Queues.svelte')),
  shop('phone-queues', 'settings.phone_queues', PhoneIncoming, () => import('./PhoneQueues.svelte')),
  shop('outgoing', 'settings.outgoing', PhoneOutgoing, () => import('./Outgoing.svelte')),
  shop('callbacks', 'settings.callbacks', PhoneCall, () => import('./Callbacks.svelte')),
  shop('scripts', 'settings.scripts', ScrollText, () => import('../script/Scripts.svelte')),
  shop('macros', 'settings.macros', MessageSquareQuote, () => import('./Macros.svelte')),
  shop('topics', 'settings.topics', MessagesSquare, () => import('./Topics.svelte')),
  shop('tags', 'settings.tags', Tag, () => import('./Tags.svelte')),
  people('agents', 'settings.agents', Users, () => import('./Agents.svelte')),
  people('handsets', 'settings.handsets', Deskphone, () => import('./Handsets.svelte')),
  people('teams', 'settings.teams', UsersRound, () => import('./Teams.svelte')),
  people('departments', 'settings.departments', Building, () => import('./Departments.svelte')),
  people('roles', 'settings.roles', ShieldCheck, () => import('./Roles.svelte')),
  connected('connections', 'settings.connections', Plug, () => import('./Connections.svelte')),
  connected('import', 'settings.import', FileUp, () => import('./Import.svelte')),
  keyed('api-keys', 'settings.api_keys', KeyRound, () => import('./ApiKeys.svelte')),
  keyed('webhooks', 'settings.webhooks', Webhook, () => import('./Webhooks.svelte')),
  section('system', 'audit.read')('audit', 'settings.audit', ScrollText, () => import('./Audit.svelte')),
  shop('electronic', 'settings.electronic', KeySquare, () => import('./Electronic.svelte')),
  shop('optouts', 'settings.optouts', MailX, () => import('./OptOuts.svelte')),
  section('system', 'operations.manage')(
    'arrivals',
    'settings.arrivals',
    Inbox,
    () => import('./DeadArrivals.svelte'),
  ),
  section('system', 'operations.manage')(
    'jobs',
    'settings.jobs',
    ShieldAlert,
    () => import('./DeadJobs.svelte'),
  ),
];

// Which page shows a route. Each is a chunk of its own; the inbox starts to load with the shell.
import type { Component } from 'svelte';
import type { RouteName } from '$lib/app/router.svelte';

type Page = () => Promise<{ default: Component }>;

export const pages: Partial<Record<RouteName, Page>> = {
  inbox: () => import('../inbox/Inbox.svelte'),
  customers: () => import('../customer/CustomersPage.svelte'),
  customer: () => import('../customer/CustomerPage.svelte'),
  order: () => import('../customer/OrderPage.svelte'),
  work: () => import('../work/WorkPage.svelte'),
  calls: () => import('../call/CallsPage.svelte'),
  recordings: () => import('../call/RecordingsPage.svelte'),
  callbacks: () => import('../callback/CallbacksPage.svelte'),
  stock: () => import('../customer/StockPage.svelte'),
  settings: () => import('../settings/Settings.svelte'),
};

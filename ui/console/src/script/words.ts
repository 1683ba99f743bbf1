// Effects of answers in words.
import { maybe, t } from '$lib/i18n/index.svelte';
import type { Effect } from './api';

export function effectWords(e: Effect): string {
  const value = e.value ?? '';
  switch (e.kind) {
    case 'customer':
      return `${t(`script.customer.${(e.field ?? 'note') as 'note'}`)}: ${value}`;
    case 'order_note':
      return `${t('script.effect.order_note')}: ${e.text ?? ''}`;
    case 'order_status':
    case 'tag':
    case 'task':
    case 'callback':
      return `${t(`script.effect.${e.kind}`)}: ${value}`;
    case 'order_cancel':
      return t('script.effect.order_cancel') + (e.text ? `: ${e.text}` : '');
  }
  return maybe(`script.effect.${e.kind}`) ?? e.kind;
}

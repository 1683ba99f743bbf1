// Names of codes that come from the server.
import type { Channel } from '$lib/api';
import { maybe, t } from '$lib/i18n/index.svelte';

export const channels: Channel[] = [
  'chat',
  'email',
  'telegram',
  'viber',
  'whatsapp',
  'messenger',
  'sms',
  'form',
  'phone',
];
export const channelName = (code: string): string => maybe(`settings.channel.${code}`) ?? code;
export const permissionName = (code: string): string => maybe(`permission.${code}`) ?? code;
export const roleName = (code: string): string => maybe(`role.${code}`) ?? code;
export const plugName = (code: string): string =>
  maybe(`plug.${code}.name`) ?? maybe(`connection.plug.${code}`) ?? code;
export const kindName = (code: string): string => maybe(`record.${code}`) ?? code;

/** Seconds as people say them. */
export function span(seconds: number): string {
  if (seconds <= 0) return t('span.none');
  if (seconds % 86400 === 0) return t('span.days', { n: seconds / 86400 });
  if (seconds % 3600 === 0) return t('span.hours', { n: seconds / 3600 });
  return t('span.minutes', { n: Math.round(seconds / 60) });
}

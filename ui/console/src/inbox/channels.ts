// The sign of each channel.
import AtSign from '@lucide/svelte/icons/at-sign';
import ClipboardList from '@lucide/svelte/icons/clipboard-list';
import Mail from '@lucide/svelte/icons/mail';
import MessageCircle from '@lucide/svelte/icons/message-circle';
import MessageSquareText from '@lucide/svelte/icons/message-square-text';
import Phone from '@lucide/svelte/icons/phone';
import Send from '@lucide/svelte/icons/send';
import { maybe } from '$lib/i18n/index.svelte';

const icons: Record<string, typeof Mail> = {
  chat: MessageCircle,
  email: Mail,
  phone: Phone,
  telegram: Send,
  viber: Phone,
  viber_business: Phone,
  whatsapp: MessageSquareText,
  messenger: MessageSquareText,
  sms: MessageSquareText,
  form: ClipboardList,
};

export const channelIcon = (channel: string) => icons[channel] ?? AtSign;
export const channelName = (channel: string) => maybe(`channel.${channel}`) ?? channel;

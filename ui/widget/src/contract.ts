// What the loader, the panel and the program say to each other.

export interface Attachment {
  id: number;
  name: string;
  content_type: string;
  size: number;
  url: string;
  thumb_url?: string;
  width: number;
  height: number;
}

export interface Message {
  id: number; // 0 until the program has it
  conversation_id: number;
  seq: number;
  from: 'customer' | 'agent' | 'bot' | 'system';
  author?: { name: string } | string | null;
  body: string;
  attachments?: Attachment[] | null;
  client_id: string;
  created_at: string;
}

export interface Conversation {
  id: number;
  status: string;
  read_seq: number; // how far the shop has read
}

export interface Page {
  messages: Message[];
  conversations: Conversation[];
  more: boolean;
}

export interface Session extends Page {
  token: string;
  visitor: string;
  store: string;
  title: string;
  greeting: string;
  offline: string;
  color: string;
  time_zone: string;
  open: boolean;
  opens_at: string | null;
  reply_minutes: number;
  verified: boolean;
  identity_refused?: boolean;
  unread: number;
  max_file: number; // bytes
  messengers?: string; // the page of the shop's bots
}

export interface Order {
  number: string;
  stage: string; // in the visitor's language
  placed_at: string;
  eta_at: string | null;
  total: { amount: number; currency: string };
  lines: string[];
  tracking_url: string;
}

// What stays in the browser between pages and visits.
export interface Memory {
  token?: string;
  open?: boolean; // a conversation is going on: worth a socket on every page
  color?: string;
  outbox?: Outgoing[];
  trail?: unknown[]; // what the visitor did before the chat was opened
  contact?: Contact;
}

export interface Contact {
  name?: string;
  email?: string;
  phone?: string;
}

export interface Outgoing {
  client_id: string;
  body: string;
  attachments: Attachment[];
  contact?: Contact;
  at: string;
  failed?: string;
}

// What the loader hands to the panel.
export interface Host {
  base: string;
  store: string;
  language: string;
  root: ShadowRoot;
  frame: HTMLElement; // carries the colours, holds launcher and panel
  button: HTMLButtonElement;
  memory: Memory;
  keep(): void; // writes memory down
  emit(event: string, value?: unknown): void;
  badge(n: number): void;
  color(value: string): void;
}

export interface Panel {
  open(): void;
  close(): void;
  call(name: string, args: unknown[]): void;
  destroy(): void;
}

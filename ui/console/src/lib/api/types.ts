// What the API speaks: snake_case, ids as numbers, times as RFC 3339 text, money in minor units.

export type Id = number;
export type Time = string;
export interface Money {
  amount: number;
  currency: string;
}
export interface Page<T> {
  items: T[];
  next: string;
}

export type Language = 'en' | 'uk' | 'ru' | 'pl';
export type Theme = 'system' | 'light' | 'dark';
export type PresenceState = 'ready' | 'busy' | 'away' | 'offline';

export interface Store {
  id: Id;
  name: string;
  color: string;
  language: Language;
  currency: string;
  time_zone: string;
}
export interface Me {
  agent: {
    id: Id;
    name: string;
    email: string;
    language: Language;
    theme: Theme;
    avatar_color: string;
    keymap?: Record<string, string>;
  };
  permissions: string[];
  stores: Store[];
  presence: { state: PresenceState; since_at: Time };
  csrf_token: string;
  version: string;
}

export type ConversationStatus = 'open' | 'pending' | 'snoozed' | 'resolved';
export type ViewKey = 'open' | 'mine' | 'unassigned' | 'pending' | 'snoozed' | 'resolved' | 'all';
export type Channel =
  | 'chat'
  | 'email'
  | 'phone'
  | 'telegram'
  | 'viber'
  | 'viber_business'
  | 'whatsapp'
  | 'messenger'
  | 'sms'
  | 'form';
export interface Named {
  id: Id;
  name: string;
}
export interface ConversationRow {
  id: Id;
  store_id: Id;
  number: string | number;
  version: number;
  status: ConversationStatus;
  channel: Channel;
  subject: string;
  preview: string;
  preview_from: 'customer' | 'agent' | 'bot' | 'note' | 'system';
  customer: { id: Id; name: string; initials: string };
  assignee: Named | null;
  queue_id: Id;
  team_id: Id;
  priority: 0 | 1 | 2 | 3;
  tags: string[];
  topic: string;
  unread: number;
  last_seq: number;
  last_message_at: Time;
  waiting_since_at: Time | null;
  created_at: Time;
  snoozed_until: Time | null;
  deadline_at: Time | null;
}
export interface ConversationDetail extends ConversationRow {
  language: string;
  page_url: string;
  visitor: {
    online: boolean;
    page_title: string;
    page_url: string;
    user_agent: string;
    language: string;
  } | null;
  read_seq_customer: number;
  read_seq_agent: number;
}
export interface Attachment {
  id: Id;
  name: string;
  content_type: string;
  size: number;
  url: string;
  width: number;
  height: number;
  thumb_url: string;
}
export type DeliveryState = 'queued' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled';
/** A channel by which a customer can be answered, with its limits. */
export interface Way {
  channel: Channel;
  connection_id: Id;
  name: string;
  address: string;
  state: 'ok' | 'degraded' | 'auth_failed' | 'paused';
  window_until: Time | null;
  window_s: number;
  opted_out: string;
  abilities: { max_text: number; files: boolean; max_file: number; templates: boolean };
}
export interface Mail {
  subject: string;
  from: string;
  to?: string[] | null;
  cc?: string[] | null;
  bcc?: string[] | null;
  auto?: string;
  spam?: boolean;
  via?: string;
  quoted?: string;
  forward?: boolean;
  /** An agent has said that this sender's pictures may always be shown. */
  pictures?: boolean;
  send_at: Time | null;
}
/** What an answer by letter would have around it. */
export interface Envelope {
  from: string;
  signature: string;
  subject: string;
  to: string[];
  cc: string[];
  known: string[];
}
/** A notice that the customer was sent, as it stands between the messages. */
export interface Told {
  id: Id;
  order_id: Id;
  order_number: string;
  moment: string;
  channel: string;
  address: string;
  state: string;
  code: string;
  subject: string;
  body: string;
  sent_at: Time;
  notice_id: Id;
}
/** What there is to say of an answer before it is sent. */
export interface AnswerCheck {
  questions: { text: string; answered: boolean }[];
  refused: { address: string; reason: string }[];
  new: string[];
}
export interface Message {
  id: Id;
  conversation_id: Id;
  seq: number;
  kind: 'reply' | 'note' | 'system';
  from: 'customer' | 'agent' | 'bot' | 'system';
  author: Named | null;
  body: string;
  html: string | null;
  attachments: Attachment[];
  client_id: string;
  delivery: { state: DeliveryState | ''; reason: string; detail?: string; send_at?: Time | null } | null;
  /** What a letter has beside its text; null on other channels. */
  mail?: Mail | null;
  /** By which it went or came, when that isn't the conversation's own. */
  channel?: Channel | '';
  created_at: Time;
  system: { code: string; params: Record<string, string | number> | null } | null;
}
export interface Draft {
  body: string;
  mode: 'reply' | 'note';
  updated_at: Time;
}
export interface ConversationPage {
  conversation: ConversationDetail;
  messages: Message[];
  has_more: boolean;
  draft: Draft | null;
  viewers: Named[];
}
export interface NewMessage {
  kind: 'reply' | 'note';
  body: string;
  attachment_ids: Id[];
  client_id: string;
  resolve?: boolean;
  snooze_until?: Time;
  expected_seq?: number;
  channel?: Channel;
  address?: string;
  to?: string[];
  cc?: string[];
  bcc?: string[];
  subject?: string;
  forward?: Id;
  send_at?: Time;
  template?: TemplateChoice;
}
/** A message approved by the channel's service, with what stands in its places: words, or one of the variables. */
export interface TemplateChoice {
  name: string;
  language: string;
  values: string[];
}
export interface TemplateOffer {
  name: string;
  language: string;
  category: string;
  header: string;
  body: string;
  footer: string;
  buttons: { text: string; url: string }[];
  places: { part: 'header' | 'body' | 'button'; name: string; button: number; example: string }[];
  unfit: string;
  fills: string[];
}
export interface TemplateOffers {
  items: TemplateOffer[];
  variables: Record<string, string>;
  language: string;
}
export interface Counts {
  views: { key: ViewKey; count: number }[];
  queues: { id: Id; name: string; store_id: Id; open: number }[];
}
export interface ConversationQuery {
  view?: ViewKey;
  store_id?: Id;
  queue_id?: Id;
  assignee_id?: Id;
  channel?: string;
  tag?: string;
  topic?: string;
  q?: string;
  sort?: 'latest' | 'oldest' | 'waiting' | 'due';
  cursor?: string;
  limit?: number;
}

export interface Identity {
  id: Id;
  kind: 'phone' | 'email' | 'shop' | 'visitor' | string;
  value: string;
  display: string;
  verified: boolean;
}
export interface Consent {
  do_not_call: boolean;
  /** null: never asked. */
  email: boolean | null;
  sms: boolean | null;
  messenger: boolean | null;
  quiet_from: string;
  quiet_to: string;
  preferred_channel: string;
}
export type ConsentChange = { [K in keyof Consent]?: NonNullable<Consent[K]> };
export interface Customer {
  id: Id;
  store_id: Id;
  name: string;
  language: string;
  identities: Identity[];
  consent: Consent;
  note: string;
  created_at: Time;
  /** Customers that became part of this one and can be taken out again. */
  merged?: Merged[];
}
export interface CustomerRow {
  id: Id;
  store_id: Id;
  name: string;
  language: string;
  phone: string;
  email: string;
  created_at: Time;
}
export interface NewContact {
  kind: 'phone' | 'email';
  value: string;
}
export interface NewCustomer {
  store_id: Id;
  name: string;
  language?: string;
  contacts?: NewContact[];
}
export interface Merged {
  merge_id: Id;
  customer_id: Id;
  name: string;
  automatic: boolean;
  at: Time;
}
export interface CustomerCard {
  customer: Customer;
  stats: {
    conversations: number;
    last_contact_at: Time | null;
    orders: number;
    spent: Money;
    returns: number;
  };
}
export interface TimelineItem {
  at: Time;
  kind: string;
  icon: string;
  title_code: string;
  params: Record<string, unknown> | null;
  ref: { kind: string; id: Id } | null;
}

export type OrderStage =
  | 'draft'
  | 'placed'
  | 'awaiting_payment'
  | 'paid'
  | 'processing'
  | 'on_hold'
  | 'packed'
  | 'shipped'
  | 'out_for_delivery'
  | 'at_pickup_point'
  | 'attempt_failed'
  | 'returning'
  | 'delivered'
  | 'completed'
  | 'cancelled'
  | 'refunded'
  | 'returned'
  | 'failed'
  | 'unknown';
export interface OrderLine {
  id: Id;
  sku: string;
  name: string;
  quantity: number;
  price: Money;
  total: Money;
  variant_id: Id;
  available: number | null;
}
export interface Payment {
  id: Id;
  method: string;
  state: string;
  amount: Money;
  at: Time;
  course: { state: string; at: Time; note: string }[];
}
export interface Shipment {
  id: Id;
  carrier: string;
  tracking_number: string;
  tracking_url: string;
  state: string;
  eta_at: Time | null;
  pickup_point: string | null;
  checkpoints: { at: Time; state: string; text: string; place: string }[];
}
export interface Order {
  id: Id;
  number: string;
  store_id: Id;
  connection_id: Id;
  external_url: string;
  stage: OrderStage;
  order_state: string;
  payment_state: string;
  fulfilment_state: string;
  shipment_state: string;
  raw_status: string;
  currency: string;
  total: Money;
  shipping_total: Money;
  discount_total: Money;
  tax_total: Money;
  placed_at: Time;
  updated_at: Time;
  fetched_at: Time;
  lines: OrderLine[];
  payments: Payment[];
  shipments: Shipment[];
  refunds: { id: Id; amount: Money; at: Time; reason: string; state: string }[];
  returns: { id: Id; at: Time; reason: string; state: string }[];
  payment_method: string;
  shipping_method: string;
  addresses: { shipping: Address | null; billing: Address | null };
  history: { at: Time; kind: string; text: string; author: string }[];
  note: string;
}
/** A saved reply as it would be said in a conversation. */
export interface FilledMacro {
  id: Id;
  name: string;
  language: string;
  body: string;
  missing: string[];
}
export type ActionKind = 'cancel' | 'status' | 'refund' | 'note' | 'reserve';
/** Something asked of a shop for an order, and what came of it. */
export interface ShopAction {
  id: Id;
  order_id: Id;
  kind: ActionKind;
  state: 'queued' | 'sent' | 'pending' | 'done' | 'refused' | 'failed';
  reason_code: '' | 'shop' | 'order_changed' | 'order_gone' | 'no_answer' | 'not_visible' | 'connection_gone';
  reason: string;
  params: { status?: string; amount?: Money };
  created_at: Time;
  updated_at: Time;
}
export interface ActionOptions {
  kinds: ActionKind[];
  statuses: { raw: string; order_state: string }[];
  refund: { lines: boolean; delivery: boolean; restock: boolean; pay_back: boolean };
  left_to_refund: Money;
  raw_status: string;
  under_way: ActionKind[];
  cancelled: boolean;
}
export interface ActionRequest {
  kind: ActionKind;
  expected_status?: string;
  status?: string;
  amount?: Money;
  lines?: { id: Id; quantity: number }[];
  delivery?: boolean;
  restock?: boolean;
  pay_back?: boolean;
  reason?: string;
  text?: string;
  to_customer?: boolean;
  until?: Time;
}
export interface Address {
  name?: string;
  line1?: string;
  line2?: string;
  city?: string;
  region?: string;
  postcode?: string;
  country?: string;
  phone?: string;
}
export interface Stock {
  location_id: Id;
  location: string;
  on_hand: number;
  reserved: number;
  available: number;
  incoming: number;
  incoming_at: Time | null;
  as_of_at: Time;
}
export interface Variant {
  id: Id;
  sku: string;
  barcode: string;
  name: string;
  price: Money;
  stock: Stock[];
}
export interface Product {
  id: Id;
  name: string;
  image_url: string;
  url: string;
  variants: Variant[];
}

export interface Found {
  kind: 'customer' | 'order' | 'conversation' | 'product' | 'shipment';
  id: Id;
  title: string;
  subtitle: string;
  store_id: Id;
  matched: 'phone' | 'name' | 'email' | 'number' | 'tracking' | 'sku' | 'text';
  customer_id: Id;
  conversation_id: Id;
}
export interface Agent extends Named {
  email: string;
  presence?: PresenceState;
}
export interface Team extends Named {
  store_id: Id;
}
/** The name of a tag, or of a topic: why customers write. */
export interface Label extends Named {
  store_id: Id;
}
export interface Queue extends Named {
  store_id: Id;
}
export interface SetUp {
  store_name: string;
  time_zone: string;
  language: Language;
  name: string;
  email: string;
  password: string;
}

// One publication of the live socket.
export type LiveEvent =
  | { t: 'conversation'; conversation: ConversationRow; change: 'created' | 'updated' }
  | { t: 'message'; conversation_id: Id; message: Message }
  | { t: 'typing'; conversation_id: Id; who: 'visitor' | 'agent'; name?: string; on: boolean }
  | { t: 'viewer'; conversation_id: Id; viewers: Named[] }
  | {
      t: 'visitor';
      conversation_id: Id;
      online: boolean;
      page?: { url?: string; title?: string; agent?: string };
    }
  | { t: 'read'; conversation_id: Id; by: 'visitor' | 'agent'; seq: number }
  | { t: 'presence'; agent_id: Id; state: PresenceState }
  | { t: 'counts' }
  | { t: 'customer'; customer_id: Id; order_id?: Id }
  | { t: 'stock'; variant_id?: Id }
  | { t: 'inquiry'; inquiry_id: Id; conversation_id: Id }
  | { t: 'task'; task_id: Id }
  | { t: 'callback'; callback_id: Id; state: string; reason: string; version: number }
  | { t: 'script'; run_id: Id }
  | { t: 'call'; call_id: Id; state: string; agent_id: Id; queue_id: Id }
  | { t: 'call.recording'; call_id: Id; recording_id: Id; state: string }
  | { t: 'phone.agent'; agent_id: Id; state: string }
  | { t: 'phone'; event: string; callback_id?: Id; call_id?: Id };

// A small made-up house for pictures and browser tests: two stores, some hundred conversations, orders in every stage.
import type * as T from '$lib/api/types';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export const start = Date.now();
export const ago = (ms: number): T.Time => new Date(start - ms).toISOString();
export const ahead = (ms: number): T.Time => new Date(start + ms).toISOString();

let seed = 7;
const random = () => {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
};
const pick = <V>(list: readonly V[]): V => list[Math.floor(random() * list.length)]!;
let lastId = 1000;
const next = () => ++lastId;

export const stores: T.Store[] = [
  { id: 1, name: 'Крок', color: '#3b82f6', language: 'uk', currency: 'UAH', time_zone: 'Europe/Kyiv' },
  {
    id: 2,
    name: 'Dom i Ogród',
    color: '#16a34a',
    language: 'pl',
    currency: 'PLN',
    time_zone: 'Europe/Warsaw',
  },
];
export const agents: T.Agent[] = [
  { id: 11, name: 'Ірина Савчук', email: 'iryna@example.test', presence: 'ready' },
  { id: 12, name: 'Олена Мороз', email: 'olena@example.test', presence: 'ready' },
  { id: 13, name: 'Tomasz Lis', email: 'tomasz@example.test', presence: 'busy' },
  { id: 14, name: 'Марина Орлова', email: 'maryna@example.test', presence: 'away' },
];
export const teams: T.Team[] = [
  { id: 31, name: 'Підтримка', store_id: 1 },
  { id: 32, name: 'Склад', store_id: 1 },
];
export const queues: T.Queue[] = [
  { id: 21, name: 'Чат', store_id: 1 },
  { id: 22, name: 'Повернення', store_id: 1 },
  { id: 23, name: 'Sklep', store_id: 2 },
];

export const tags: T.Label[] = ['VIP', 'zwrot', 'оплата', 'терміново'].map((name, i) => ({
  id: 41 + i,
  name,
  store_id: 1,
}));
export const topics: T.Label[] = [
  'Де моє замовлення',
  'Доставка',
  'Оплата',
  'Повернення',
  'Обмін',
  'Наявність',
  'Скарга',
].map((name, i) => ({ id: 51 + i, name, store_id: 1 }));

export const me: T.Me = {
  agent: {
    id: 11,
    name: 'Ірина Савчук',
    email: 'iryna@example.test',
    language: 'uk',
    theme: 'system',
    avatar_color: '',
  },
  permissions: ['administer'],
  stores,
  presence: { state: 'ready', since_at: ago(2 * hour) },
  csrf_token: 'fake',
  version: 'fake',
};

const money = (amount: number, currency = 'UAH'): T.Money => ({ amount: Math.round(amount * 100), currency });

const goods = [
  ['Кросівки Air Runner, розмір 44', 'AR-44', 2499],
  ['Футболка базова, L, біла', 'TS-L-W', 449],
  ['Куртка зимова Север, M', 'JK-M', 5120],
  ['Рюкзак міський 22 л', 'BP-22', 1690],
  ['Навушники Drop 2', 'HP-D2', 3290],
] as const;

export const products: T.Product[] = goods.map(([name, sku, price], i) => ({
  id: 500 + i,
  name: name.split(',')[0]!,
  image_url: '',
  url: 'https://shop.example/p/' + sku,
  variants: (i === 0 ? ['42', '43', '44', '45'] : [name.split(', ')[1] ?? '']).map((size, j) => ({
    id: 600 + i * 10 + j,
    sku: i === 0 ? `AR-${size}` : sku,
    barcode: '48200' + (10000 + i * 10 + j),
    name: i === 0 ? `Розмір ${size}` : size,
    price: money(price),
    stock:
      i === 0 && size === '45'
        ? [place(1, 'Склад Київ-2', 0, 0, 24, 5 * day), place(2, 'Хрещатик, 22', 1, 1, 0, 0)]
        : [
            place(1, 'Склад Київ-2', 14 - i - j, 3, 0, 0),
            place(2, 'Хрещатик, 22', 2, j % 2, 0, 0),
            place(3, 'Львів, Городоцька', 0, 0, 6, 3 * day),
          ],
  })),
}));
function place(
  id: number,
  location: string,
  onHand: number,
  reserved: number,
  incoming: number,
  inMs: number,
): T.Stock {
  return {
    location_id: id,
    location,
    on_hand: onHand,
    reserved,
    available: onHand - reserved,
    incoming,
    incoming_at: incoming ? ahead(inMs) : null,
    as_of_at: ago(3 * minute),
  };
}

interface Stage {
  stage: T.OrderStage;
  order: string;
  payment: string;
  fulfilment: string;
  shipment: string;
}
const stages: Stage[] = [
  { stage: 'shipped', order: 'processing', payment: 'paid', fulfilment: 'shipped', shipment: 'in_transit' },
  { stage: 'delivered', order: 'completed', payment: 'paid', fulfilment: 'shipped', shipment: 'delivered' },
  {
    stage: 'returned',
    order: 'cancelled',
    payment: 'refunded',
    fulfilment: 'returned',
    shipment: 'returned',
  },
  {
    stage: 'awaiting_payment',
    order: 'awaiting_payment',
    payment: 'failed',
    fulfilment: 'unfulfilled',
    shipment: '',
  },
  {
    stage: 'at_pickup_point',
    order: 'confirmed',
    payment: 'unpaid',
    fulfilment: 'shipped',
    shipment: 'at_pickup_point',
  },
];

export const orders = new Map<number, T.Order[]>();
function orderOf(customer: number, i: number, placed: number): T.Order {
  const s = stages[i % stages.length]!;
  const [name, sku, price] = goods[(customer + i) % goods.length]!;
  const id = next();
  const shipped = s.shipment !== '';
  return {
    id,
    number: String(189751 - i * 1207 - (customer % 90)),
    store_id: 1,
    connection_id: 1,
    external_url: 'https://shop.example/wp-admin/post.php?post=' + id,
    stage: s.stage,
    order_state: s.order,
    payment_state: s.payment,
    fulfilment_state: s.fulfilment,
    shipment_state: s.shipment,
    refunds: [],
    returns: [],
    payment_method: 'LiqPay',
    shipping_method: 'Нова пошта',
    raw_status: s.stage === 'shipped' ? 'wc-shipped' : 'wc-processing',
    currency: 'UAH',
    total: money(price + 90),
    shipping_total: money(90),
    discount_total: money(0),
    tax_total: money(0),
    placed_at: ago(placed),
    updated_at: ago(placed / 3),
    fetched_at: ago(40_000),
    lines: [
      {
        id: next(),
        sku,
        name,
        quantity: 1,
        price: money(price),
        total: money(price),
        variant_id: 600,
        available: i === 2 ? 0 : 11,
      },
    ],
    payments: [
      {
        id: next(),
        method: s.payment === 'unpaid' ? 'Післяплата' : 'LiqPay · Visa •• 4242',
        state: s.payment,
        amount: money(price + 90),
        at: ago(placed - 4 * minute),
        course:
          s.payment === 'unpaid'
            ? []
            : [
                { state: 'registered', at: ago(placed), note: '' },
                { state: 'redirected', at: ago(placed - minute), note: '' },
                ...(s.payment === 'failed'
                  ? [{ state: 'failed', at: ago(placed - 3 * minute), note: 'Недостатньо коштів (код 51)' }]
                  : [
                      { state: 'authorized', at: ago(placed - 2 * minute), note: '3-D Secure' },
                      { state: 'captured', at: ago(placed - 4 * minute), note: '' },
                    ]),
              ],
      },
    ],
    shipments: shipped
      ? [
          {
            id: next(),
            carrier: 'Нова пошта',
            tracking_number: '20450' + (888112233 + i),
            tracking_url: 'https://novaposhta.ua/tracking/',
            state: s.shipment,
            eta_at: ahead(20 * hour),
            pickup_point: 'Відділення № 14, вул. Хрещатик, 22',
            checkpoints: [
              {
                at: ago(placed - 8 * hour),
                state: 'handed_over',
                text: 'Прийнято у відділенні',
                place: 'Львів',
              },
              {
                at: ago(placed / 2),
                state: 'in_transit',
                text: 'Прибуло на сортувальний термінал',
                place: 'Київ, КІТ',
              },
            ],
          },
        ]
      : [],
    addresses: {
      shipping: {
        name: 'Юлія Шевченко',
        line1: 'Відділення № 14',
        city: 'Київ',
        country: 'UA',
        phone: '+380 67 123 45 67',
      },
      billing: null,
    },
    history: [
      { at: ago(placed), kind: 'status', text: 'Замовлення створено на сайті', author: 'WooCommerce' },
      { at: ago(placed - 4 * minute), kind: 'note', text: 'Оплату отримано', author: 'LiqPay' },
    ],
    note: i === 0 ? 'Зателефонуйте перед доставкою, будь ласка' : '',
  };
}

const names = [
  'Юлія Шевченко',
  'Michał Nowicki',
  'Alex Петров',
  'Олена Коваленко',
  'Zofia Wiśniewska',
  'Игорь Соколов',
  'Катерина Бондар',
  'Piotr Zieliński',
  'Марта Ткаченко',
  'Светлана Белова',
  'Денис Гончар',
  'Anna Kowalczyk',
  'Тарас Мельник',
  'Emma Clarke',
  'Ольга Дяченко',
  'Krzysztof Wójcik',
  'Наталія Поліщук',
  'Роман Литвин',
];
const talks: [string, string, string, string[]][] = [
  [
    'Де моє замовлення?',
    'Доброго дня! Посилка мала приїхати вчора, але статус не змінюється. Що з нею?',
    'order_status',
    [],
  ],
  [
    'Zwrot pieniędzy',
    'Dzień dobry, kiedy otrzymam zwrot za kurtkę? Minęły już dwa tygodnie.',
    'return',
    ['zwrot'],
  ],
  ['Замена размера', 'Здравствуйте, кроссовки малы. Можно обменять 43 на 44?', 'exchange', []],
  [
    'Оплата не пройшла',
    'Картка списала гроші двічі, а замовлення все одно не оплачене',
    'payment',
    ['оплата', 'терміново'],
  ],
  ['', 'Чи є ці навушники в чорному кольорі у Львові?', 'availability', []],
  ['Wrong size delivered', 'Hi, I ordered L but received M. What should I do now?', 'exchange', ['VIP']],
  ['Гарантия на наушники', 'Левый наушник перестал заряжаться через месяц', 'complaint', []],
  [
    'Зміна адреси доставки',
    'Можна переадресувати посилку у відділення № 31? Я вже оплатила.',
    'delivery',
    [],
  ],
  ['Pytanie o dostępność', 'Czy plecak 22 l będzie jeszcze dostępny w kolorze zielonym?', 'availability', []],
];
const channels: T.Channel[] = ['chat', 'chat', 'chat', 'email', 'telegram', 'phone', 'email'];

export const rows: T.ConversationRow[] = [];
export const messages = new Map<number, T.Message[]>();
export const customers = new Map<number, T.CustomerCard>();

for (let i = 0; i < 320; i++) {
  const [subject, text, , tags] = talks[i % talks.length]!;
  const customerId = 100 + i;
  const name = names[i % names.length]!;
  const at = i < 14 ? (i * 2.3 + 0.8) * minute : i * i * 0.4 * minute + 30 * minute;
  const status: T.ConversationStatus =
    i < 40
      ? i % 9 === 7
        ? 'pending'
        : 'open'
      : pick(['open', 'resolved', 'resolved', 'snoozed', 'pending'] as const);
  const unread = status === 'open' && i % 3 === 0 ? 1 + (i % 4) : 0;
  const assignee = i % 4 === 3 ? null : agents[i % 3 === 0 ? 0 : i % agents.length]!;
  const id = 1000 + i;
  const list = conversationMessages(id, name, text, at, i, assignee);
  messages.set(id, list);
  const last = list.at(-1)!;
  rows.push({
    id,
    store_id: i % 5 === 4 ? 2 : 1,
    number: 18000 - i,
    version: 1,
    status,
    channel: i === 0 ? 'chat' : channels[i % channels.length]!,
    subject,
    preview: last.body.replace(/\s+/g, ' ').slice(0, 140),
    preview_from: last.kind === 'note' ? 'note' : last.from === 'customer' ? 'customer' : 'agent',
    customer: { id: customerId, name, initials: '' },
    assignee: assignee && { id: assignee.id, name: assignee.name },
    queue_id: i % 5 === 4 ? 23 : i % 2 ? 21 : 22,
    team_id: 31,
    priority: i % 11 === 3 ? 3 : 1,
    tags: [...tags],
    topic: i % 2 ? topics[i % topics.length]!.name : '',
    unread,
    last_seq: last.seq,
    last_message_at: ago(at),
    waiting_since_at: status === 'open' ? ago(at) : null,
    created_at: ago(at + 3 * hour),
    snoozed_until: status === 'snoozed' ? ahead(18 * hour) : null,
    deadline_at: status === 'open' && i % 4 === 1 ? ahead((i - 6) * 3 * minute) : null,
  });
  orders.set(
    customerId,
    Array.from({ length: i % 7 === 4 ? 0 : 1 + (i % 4) }, (_, k) =>
      orderOf(customerId, k + (i % 3 === 2 ? 3 : 0), 2 * day + k * 41 * day),
    ),
  );
  customers.set(customerId, customerOf(customerId, name, i));
}

function customerOf(id: number, name: string, i: number): T.CustomerCard {
  return {
    customer: {
      id,
      store_id: 1,
      name,
      language: pick(['uk', 'pl', 'ru', 'en']),
      identities: [
        { id: id * 10, kind: 'phone', value: '+380671234567', display: '+380 67 123 45 67', verified: true },
        {
          id: id * 10 + 1,
          kind: 'email',
          value: 'customer@example.test',
          display: 'customer@example.test',
          verified: false,
        },
      ],
      consent: {
        do_not_call: i % 5 === 1,
        email: true,
        sms: i % 3 !== 0,
        messenger: true,
        quiet_from: i % 2 === 0 ? '21:00' : '',
        quiet_to: i % 2 === 0 ? '09:00' : '',
        preferred_channel: i % 3 === 0 ? 'telegram' : '',
      },
      note: i % 6 === 0 ? 'Постійна клієнтка, любить коротко й по суті.' : '',
      created_at: ago(400 * day),
    },
    stats: { conversations: 7, last_contact_at: ago(9 * day), orders: 4, spent: money(18430), returns: 1 },
  };
}

function conversationMessages(
  id: number,
  name: string,
  text: string,
  at: number,
  i: number,
  assignee: T.Agent | null,
): T.Message[] {
  const list: T.Message[] = [];
  const add = (part: Partial<T.Message>, before: number) =>
    list.push({
      id: next(),
      conversation_id: id,
      seq: list.length + 1,
      kind: 'reply',
      from: 'customer',
      author: null,
      body: '',
      html: null,
      attachments: [],
      client_id: '',
      delivery: null,
      created_at: ago(at + before),
      system: null,
      ...part,
    });
  const who = assignee && { id: assignee.id, name: assignee.name };
  if (i % 3 === 0 && who) {
    add({ body: text }, 31 * minute);
    add(
      {
        kind: 'system',
        from: 'system',
        author: who,
        system: { code: 'assigned', params: { agent: who.name, agent_id: who.id } },
      },
      30 * minute,
    );
    add(
      {
        from: 'agent',
        author: who,
        body: 'Добрий день! Перевіряю ваше замовлення, одну хвилину 🙌',
        delivery: { state: 'read', reason: '' },
      },
      29 * minute,
    );
    add(
      {
        kind: 'note',
        from: 'agent',
        author: who,
        body: 'Склад Київ-2: посилка застрягла на сортуванні. Уточнила в перевізника, буде завтра до 14:00.',
      },
      26 * minute,
    );
    add(
      {
        from: 'agent',
        author: who,
        body: 'Дякую за очікування. Посилка вже в місті, кур’єр привезе її завтра до 14:00. Якщо зручніше — можемо переадресувати в пункт видачі поруч із вами: https://shop.example/points',
        delivery: { state: 'read', reason: '' },
      },
      24 * minute,
    );
    add(
      {
        body: 'Так, краще в пункт видачі. Який найближчий працює до 21:00?',
        attachments:
          i === 0
            ? [
                {
                  id: 1,
                  name: 'чек.pdf',
                  content_type: 'application/pdf',
                  size: 84_212,
                  url: '/app/icon.svg',
                  width: 0,
                  height: 0,
                  thumb_url: '',
                },
              ]
            : [],
      },
      0,
    );
  } else {
    add({ body: text }, 0);
  }
  void name;
  return list;
}

export function timelineOf(customerId: number): T.TimelineItem[] {
  const row = rows.find((r) => r.customer.id === customerId)!;
  const list: T.TimelineItem[] = [
    {
      at: row.created_at,
      kind: 'conversation',
      icon: '',
      title_code: 'conversation.started',
      params: { subject: row.subject || '…' },
      ref: { kind: 'conversation', id: row.id },
    },
    {
      at: ago(50 * minute),
      kind: 'product.viewed',
      icon: '',
      title_code: 'product.viewed',
      params: { title: 'Кросівки Air Runner' },
      ref: null,
    },
    {
      at: ago(410 * day),
      kind: 'customer.created',
      icon: '',
      title_code: 'customer.created',
      params: {},
      ref: null,
    },
  ];
  for (const o of orders.get(customerId) ?? []) {
    list.push(
      {
        at: o.placed_at,
        kind: 'order.placed',
        icon: '',
        title_code: 'order.placed',
        params: { number: o.number },
        ref: { kind: 'order', id: o.id },
      },
      {
        at: o.updated_at,
        kind: 'order.status',
        icon: '',
        title_code: 'order.status',
        params: { number: o.number, stage: o.stage },
        ref: { kind: 'order', id: o.id },
      },
    );
  }
  return list.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

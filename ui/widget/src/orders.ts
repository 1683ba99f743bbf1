// A verified shopper's orders, above the talk: most questions are about them. Fetched only by those who have some.
import type { Host, Order } from './contract';
import { h } from './dom';
import css from './orders.css';
import { money, shortDate, t } from './text';

export function orderCards(host: Host, orders: Order[], ask: (text: string) => void): HTMLElement {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  host.root.adoptedStyleSheets = [...host.root.adoptedStyleSheets, sheet];
  return h(
    'section',
    { class: 'orders', 'aria-labelledby': 'orders', tabIndex: 0 },
    h('h3', { id: 'orders' }, t('orders.title')),
    ...orders.map((o) => {
      const title = t('orders.number', { number: o.number });
      return h(
        'article',
        { class: 'order' },
        h('p', { class: 'line' }, h('strong', {}, title), o.stage && h('span', { class: 'stage' }, o.stage)),
        h('p', { class: 'goods' }, o.lines.join(', ')),
        h('p', { class: 'line' }, h('span', {}, o.eta_at ? t('orders.eta', { when: shortDate(o.eta_at) }) : shortDate(o.placed_at)), h('span', {}, money(o.total))),
        h(
          'p',
          { class: 'line' },
          h('button', { type: 'button', class: 'link', onclick: () => ask(title + ': ') }, t('orders.ask')),
          /^https?:/.test(o.tracking_url) && h('a', { href: o.tracking_url, target: '_blank', rel: 'noopener noreferrer' }, t('orders.track')),
        ),
      );
    }),
  );
}

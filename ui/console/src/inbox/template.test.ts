import { describe, expect, it } from 'vitest';
import type { TemplateOffer } from '$lib/api';
import { asText, begin, pieces, preview, told, valueOf } from './template';

const offer: TemplateOffer = {
  name: 'order_ready',
  language: 'uk',
  category: 'utility',
  header: 'Order {{1}}',
  body: '{{first_name}}, it waits: {{where}}.',
  footer: 'Stezhka',
  buttons: [
    { text: 'The way', url: 'https://shop.example/p/{{1}}' },
    { text: 'Thanks', url: '' },
  ],
  places: [
    { part: 'header', name: '1', button: 0, example: '1001' },
    { part: 'body', name: 'first_name', button: 0, example: '' },
    { part: 'body', name: 'where', button: 0, example: '' },
    { part: 'button', name: '1', button: 0, example: '5' },
  ],
  unfit: '',
  fills: ['{order.number}', '{customer.first_name}', '', '{order.tracking}'],
};
const known = { 'order.number': 'C-5', 'customer.first_name': 'Olena' };

describe('an approved message', () => {
  it('begins with what is known of the customer, and with nothing else', () => {
    expect(begin(offer, known).map((f) => f.variable)).toEqual([
      'order.number',
      'customer.first_name',
      '',
      '',
    ]);
  });
  it('reads as the customer will read it', () => {
    const f = begin(offer, known);
    f[2]!.words = ' Green St,\n5 ';
    f[3]!.words = '7';
    expect(asText(preview(offer, f, known))).toBe(
      'Order C-5\n\nOlena, it waits: Green St, 5.\n\nStezhka\n\n[The way] https://shop.example/p/7\n[Thanks]',
    );
    expect(f.map(told)).toEqual(['{order.number}', '{customer.first_name}', ' Green St,\n5 ', '7']);
    expect(valueOf(f[2]!, known)).toBe('Green St, 5');
  });
  it('shows its open places', () => {
    expect(pieces('a {{1}} b {{2}}', { '1': 'x' })).toEqual([
      { text: 'a x b ', open: false },
      { text: '{{2}}', open: true },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { addressesIn, bare, joined, nameOf, valid } from './addresses';

describe('addresses', () => {
  it('have a name and an address', () => {
    expect(bare('Taras Шевчук <Taras@Example.COM>')).toBe('taras@example.com');
    expect(bare(' a@b.example ')).toBe('a@b.example');
    expect(nameOf('"Shop, Ltd" <a@b.example>')).toBe('Shop, Ltd');
    expect(nameOf('a@b.example')).toBe('');
  });

  it('are told from what is none', () => {
    for (const good of ['a@b.co', 'Т <a.b+c@x-y.example>', 'пошта@приклад.укр'])
      expect(valid(good), good).toBe(true);
    for (const bad of [
      'a',
      'a@b',
      'a b@c.example',
      '@c.example',
      'a@.example',
      'a@b..example',
      'a@b.example>x',
    ])
      expect(valid(bad), bad).toBe(false);
  });

  it('come in lists of any kind', () => {
    expect(addressesIn('a@b.example, "Shop, Ltd" <c@d.example>; e@f.example\ng@h.example')).toEqual([
      'a@b.example',
      '"Shop, Ltd" <c@d.example>',
      'e@f.example',
      'g@h.example',
    ]);
    expect(addressesIn('a@b.example c@d.example')).toEqual(['a@b.example', 'c@d.example']);
    expect(addressesIn('Taras Shevchuk <t@x.example>')).toEqual(['Taras Shevchuk <t@x.example>']);
    expect(addressesIn(' , ;')).toEqual([]);
  });

  it('are kept once', () => {
    expect(joined(['A <a@b.example>'], ['a@B.example', 'c@d.example'])).toEqual([
      'A <a@b.example>',
      'c@d.example',
    ]);
  });
});

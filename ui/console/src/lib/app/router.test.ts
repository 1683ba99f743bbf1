import { describe, expect, it } from 'vitest';
import { go, href, resolve, router, startRouter } from './router.svelte';

describe('routes', () => {
  it.each([
    ['/', 'inbox', {}],
    ['/inbox/queue-5/12', 'inbox', { view: 'queue-5', id: '12' }],
    ['/customers', 'customers', {}],
    ['/customers/7', 'customer', { id: '7' }],
    ['/settings/profile', 'settings', { section: 'profile' }],
    ['/nowhere', 'none', {}],
    ['/orders', 'none', {}],
    ['/orders/%E0%A4%A', 'order', { id: '%E0%A4%A' }],
  ])('%s is %s', (path, name, params) => {
    const place = resolve(path);
    expect(place.name).toBe(name);
    expect(place.params).toEqual(params);
  });

  it('give addresses below the base, leaving out what is empty', () => {
    const base = import.meta.env.BASE_URL;
    expect(href('inbox', { view: 'open', id: 5 }, { q: 'шум', sort: '' })).toBe(
      `${base}inbox/open/5?q=%D1%88%D1%83%D0%BC`,
    );
    expect(href('inbox', { view: 'open', id: undefined })).toBe(`${base}inbox/open`);
  });

  it('follow plain clicks on own links only', () => {
    const stop = startRouter();
    go(href('stock'));
    document.body.innerHTML = `<a id="own" href="${href('customers')}">x</a><a id="new" href="${href('stock')}" target="_blank">y</a>`;
    document.getElementById('own')!.click();
    expect(router.name).toBe('customers');
    const event = new MouseEvent('click', { bubbles: true, cancelable: true });
    document.addEventListener('click', (e) => e.preventDefault(), { once: true });
    document.getElementById('new')!.dispatchEvent(event);
    expect(router.name).toBe('customers');
    stop();
  });
});

import { describe, expect, it } from 'vitest';
import { build, leads } from './letter';

const words = { leads: (host: string) => `leads to ${host}`, picture: 'picture' };
const shown = (html: string, ask: Partial<Parameters<typeof build>[1]> = {}) => {
  const made = build(html, { said: '', quoted: '', pictures: false, words, ...ask });
  const text = (f: DocumentFragment | null) => {
    const box = document.createElement('div');
    if (f) box.append(f);
    return box;
  };
  return { said: text(made.said), rest: made.rest && text(made.rest), remote: made.remote };
};

describe('a letter', () => {
  it('keeps its form and loses what acts', () => {
    const { said } = shown(
      '<p style="position:fixed" onclick="x()">Hi <b class="z-50">there</b></p><script>x()</script><form><input></form><object>y</object><h1>Big</h1>',
    );
    expect(said.innerHTML).toBe('<p>Hi <b>there</b></p><p><strong>Big</strong></p>');
  });

  it('says where its links lead', () => {
    const { said } = shown('<a href="https://evil.example/x">Your bank</a> <a href="javascript:x()">no</a>');
    expect(said.textContent).toBe('Your bank (evil.example) no');
    expect(said.querySelectorAll('a')).toHaveLength(1);
    expect(said.querySelector('a')!.rel).toContain('noopener');
    expect(leads('shop.example', 'https://www.shop.example/a')).toBeUndefined();
    expect(leads('www.bank.example/login', 'https://evil.example')).toEqual({
      host: 'evil.example',
      lies: true,
    });
    expect(leads('our page', 'https://a.example')).toEqual({ host: 'a.example', lies: false });
  });

  it('loads no picture from elsewhere until it is asked for', () => {
    const html =
      '<img data-remote="http://a.example/1.png" alt="Map"><img src="/api/v1/attachments/7"><img src="https://x.example/2.png">';
    const before = shown(html);
    expect(before.remote).toBe(1);
    expect([...before.said.querySelectorAll('img')].map((i) => i.getAttribute('src'))).toEqual([
      '/api/v1/attachments/7',
    ]);
    expect(before.said.querySelector('.picture')!.textContent).toBe('Map');
    const after = shown(html, { pictures: true });
    expect(after.said.querySelectorAll('img')[0]!.getAttribute('src')).toBe('https://a.example/1.png');
    expect(after.remote).toBe(1);
  });

  it('folds what the server found to be quoted, wherever it begins', () => {
    const html =
      '<div>Yes, <b>please</b>.<br>Taras<div><br></div><div>On Mon, Olena wrote:<blockquote><p>Is it <i>red</i>?</p></blockquote></div></div>';
    const { said, rest } = shown(html, {
      said: 'Yes, please.\nTaras',
      quoted: 'On Mon, Olena wrote:\n> Is it red?',
    });
    expect(said.textContent).toBe('Yes, please.Taras');
    expect(rest!.textContent).toBe('On Mon, Olena wrote:Is it red?');
    expect(rest!.querySelector('blockquote')).not.toBeNull();
  });

  it('folds a signature that shares its block with the text', () => {
    const { said, rest } = shown('<pre>Thank you\n-- \nTaras Shevchuk\nKyiv</pre>', {
      said: 'Thank you',
      quoted: '-- \nTaras Shevchuk\nKyiv',
    });
    expect(said.textContent!.trim()).toBe('Thank you');
    expect(rest!.textContent).toContain('-- \nTaras Shevchuk');
  });

  it('folds nothing when all of it is quoted, or nothing fits', () => {
    expect(shown('<p>All of it</p>', { quoted: 'All of it' }).rest).toBeNull();
    expect(shown('<p>Hello</p>', { said: 'Hello', quoted: 'Something else entirely' }).rest).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { bold, link, list } from './marks';

const put = (text: string, m: { from: number; to: number; words: string }) =>
  text.slice(0, m.from) + m.words + text.slice(m.to);

describe('marks', () => {
  it('make bold and take it back', () => {
    const once = bold('it is there now', 6, 11);
    expect(put('it is there now', once)).toBe('it is **there** now');
    expect(once.pick).toEqual([2, 7]);
    expect(put('it is **there** now', bold('it is **there** now', 8, 13))).toBe('it is there now');
  });

  it('make lists of whole lines, and lines of lists', () => {
    const text = 'Take:\ntent\nmat\nBye';
    const made = put(text, list(text, 7, 13));
    expect(made).toBe('Take:\n- tent\n- mat\nBye');
    expect(put(made, list(made, 8, 17))).toBe(text);
    expect(put('', list('', 0, 0))).toBe('- ');
  });

  it('make links of words and of addresses', () => {
    expect(put('see here', link('see here', 4, 8, 'words'))).toBe('see [here](https://)');
    expect(put('https://a.example', link('https://a.example', 0, 17, 'words'))).toBe(
      '[words](https://a.example)',
    );
  });
});

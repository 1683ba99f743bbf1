import { describe, expect, it } from 'vitest';
import { parse, preview } from './csv';

describe('CSV', () => {
  it('reads quotes, line ends within them and a byte order mark', () => {
    expect(parse('\uFEFFa,b\r\n"x, ""y""","1\n2"\r\n\r\nlast,')).toEqual([
      ['a', 'b'],
      ['x, "y"', '1\n2'],
      ['last', ''],
    ]);
  });
  it('stops at the limit', () => {
    expect(parse('a\nb\nc', ',', 2)).toEqual([['a'], ['b']]);
  });
  it('reads a file by the chosen encoding and separator', async () => {
    const file = new Blob([new Uint8Array([0xcd, 0xe0, 0xe7, 0xe2, 0xe0, 0x3b, 0x31, 0x0a])]);
    const format = { encoding: 'windows-1251', separator: ';', decimal: '.', dates: 'ymd' } as const;
    expect(await preview(file, format)).toEqual([['Назва', '1']]);
  });
});

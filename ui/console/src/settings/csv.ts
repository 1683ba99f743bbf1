// CSV as the server reads it, for the preview of a file before it is sent again and for the list of refused rows.
import type { ImportFormat } from './api';

const marks: Record<ImportFormat['separator'], string> = { ',': ',', ';': ';', tab: '\t' };

/** The first rows of a file, written as the format says. */
export async function preview(file: Blob, format: ImportFormat, rows = 11): Promise<string[][]> {
  const bytes = new Uint8Array(await file.slice(0, 64 << 10).arrayBuffer());
  const bigEndian = bytes[0] === 0xfe && bytes[1] === 0xff;
  const label = format.encoding === 'utf-16' ? (bigEndian ? 'utf-16be' : 'utf-16le') : format.encoding;
  return parse(new TextDecoder(label).decode(bytes), marks[format.separator], rows);
}

export function parse(text: string, separator = ',', limit = Infinity): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  const endRow = () => {
    row.push(cell);
    if (row.length > 1 || cell !== '') rows.push(row);
    row = [];
    cell = '';
  };
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length && rows.length < limit; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') cell += text[i++];
      else quoted = false;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === separator) {
      row.push(cell);
      cell = '';
    } else if (c === '\n') endRow();
    else if (c !== '\r') cell += c;
  }
  if (rows.length < limit && (cell !== '' || row.length > 0)) endRow();
  return rows;
}

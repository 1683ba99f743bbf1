// Between the texts of a form and the values that a plug's settings have.
import type { Connection, Plug } from './api';

export function emptyValues(plug: Plug): Record<string, string> {
  return Object.fromEntries(
    plug.fields.map((f) => [f.name, f.default ?? (f.kind === 'choice' ? (f.choices?.[0] ?? '') : '')]),
  );
}

export function valuesOf(plug: Plug, c: Connection): Record<string, string> {
  return Object.fromEntries(
    plug.fields.map((f) => [
      f.name,
      f.kind === 'secret' ? '' : String(c.settings[f.name] ?? f.default ?? ''),
    ]),
  );
}

/** Secrets that were left empty stay as they are. */
export function settingsOf(plug: Plug, values: Record<string, string>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const f of plug.fields) {
    const v = (values[f.name] ?? '').trim();
    if (f.kind === 'secret' && v === '') continue;
    if (f.kind === 'number') {
      if (v !== '') out[f.name] = Number(v);
    } else if (f.kind === 'bool') out[f.name] = v === 'true';
    else out[f.name] = v;
  }
  return out;
}

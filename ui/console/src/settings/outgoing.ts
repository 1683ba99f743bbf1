// The calls about how a store rings others, and the arithmetic of numbers' beginnings.
import type { Id } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';
import { locale } from '$lib/i18n/index.svelte';

type Schemas = components['schemas'];
export type Outgoing = Schemas['Outgoing'];
export type Country = Schemas['Country'];
export type Trunk = Schemas['StoreTrunk'];
export type Dialling = Schemas['Dialling'];
export type NumberCheck = Schemas['NumberCheck'];

export const outgoing = {
  get: (store: Id) => request<Outgoing>('GET', `/stores/${store}/outgoing`),
  check: (store: Id, number: string, dialling: Dialling) =>
    request<NumberCheck>('POST', `/stores/${store}/number-check`, { body: { number, dialling } }),
};

/** A country's name in the language of the screen. */
export function countryName(code: string): string {
  try {
    return new Intl.DisplayNames([locale.region], { type: 'region' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** What was typed as the beginning of numbers, in its one form; undefined: it is none. */
export function prefixOf(text: string): string | undefined {
  const digits = text.replace(/[\s()-]/g, '').replace(/^(\+|00)/, '');
  return /^[1-9]\d{0,14}$/.test(digits) ? `+${digits}` : undefined;
}

/** The countries whose numbers begin so; with more digits than a country's own beginning, those that it lies in. */
export function countriesOf(prefix: string, all: readonly Country[]): Country[] {
  const exact = all.filter((c) => c.prefix === prefix);
  return exact.length > 0 ? exact : all.filter((c) => c.prefix && prefix.startsWith(c.prefix));
}

/** Something moved one place up or down. */
export function moved<V>(list: readonly V[], at: number, by: -1 | 1): V[] {
  const to = at + by;
  if (to < 0 || to >= list.length) return [...list];
  const out = [...list];
  [out[at], out[to]] = [out[to]!, out[at]!];
  return out;
}

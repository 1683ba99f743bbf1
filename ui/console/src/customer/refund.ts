// What a refund comes to, in the smallest units of the currency, as the server reckons it too.
import type { Money, OrderLine } from '$lib/api';

/** How many digits of a currency stand behind the point. */
export function decimals(currency: string): number {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    return format.resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2; // a currency that no standard knows
  }
}

/** Reads "1 249,90" or "1249.90" exactly; undefined when it is no amount. */
export function parseAmount(text: string, currency: string): number | undefined {
  const digits = decimals(currency);
  const found = /^(\d+)(?:[.,](\d*))?$/.exec(text.replace(/[\s\u00a0\u202f]/g, ''));
  if (!found || (found[2]?.length ?? 0) > digits) return undefined;
  const units = Number(found[1]! + (found[2] ?? '').padEnd(digits, '0'));
  return Number.isSafeInteger(units) ? units : undefined;
}

export function plainAmount(m: Money): string {
  const digits = decimals(m.currency);
  return (m.amount / 10 ** digits).toFixed(digits);
}

/** What some pieces of a line come to; half a unit is rounded up. */
export function partOf(line: Pick<OrderLine, 'quantity' | 'total'>, pieces: number): number {
  if (pieces >= line.quantity) return line.total.amount;
  return Math.round((line.total.amount * pieces) / line.quantity);
}

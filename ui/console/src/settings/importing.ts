// What the columns of a file can be, by the kind of its rows; those that must be there come first.
import { maybe } from '$lib/i18n/index.svelte';
import { parse } from './csv';
import type { ImportKind } from './api';

export const kinds: ImportKind[] = ['product', 'customer', 'order'];

export const fields: Record<ImportKind, string[]> = {
  customer: ['name', 'phone', 'email', 'external_id', 'language', 'birthday'],
  product: ['name', 'sku', 'price', 'quantity', 'location', 'barcode', 'url', 'external_id'],
  order: [
    'number',
    'status',
    'placed_at',
    'total',
    'currency',
    'name',
    'phone',
    'email',
    'sku',
    'product',
    'quantity',
    'price',
    'tracking',
    'external_id',
  ],
};
export const needed: Record<ImportKind, string> = { customer: 'name', product: 'name', order: 'number' };

export const fieldName = (field: string): string => maybe(`import.field.${field}`) ?? field;

export interface RefusedRow {
  row: string;
  field: string;
  error: string;
  cells: string[];
}

/** Reads the server's list of refused rows: row, field and error stand before the cells. */
export function refusedRows(list: string): RefusedRow[] {
  return parse(list)
    .slice(1)
    .map(([row = '', field = '', error = '', ...cells]) => ({ row, field, error, cells }));
}

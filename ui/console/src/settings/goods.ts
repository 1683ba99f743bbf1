// The calls about electronic goods: what is delivered how, the stock of keys, and what an order was given.
import type { Id, Page } from '$lib/api';
import { request } from '$lib/api/request';
import type { components } from '$lib/api/schema';

export type Goods = components['schemas']['Goods'];
export type GoodsInput = components['schemas']['GoodsInput'];
export type TakenKeys = components['schemas']['TakenKeys'];
export type Piece = components['schemas']['Piece'];

export const goods = {
  list:
    (store: Id) =>
    (cursor = '') =>
      request<Page<Goods>>('GET', '/electronic-goods', { query: { store_id: store, cursor } }),
  mark: (body: GoodsInput) => request<Goods>('PUT', '/electronic-goods', { body }),
  keys: (id: Id, csv: string, dry_run: boolean) =>
    request<TakenKeys>('POST', `/electronic-goods/${id}/keys`, { body: { csv, dry_run } }),
  file: (id: Id, file: File) =>
    request<Goods>('PUT', `/electronic-goods/${id}/file`, {
      query: { name: file.name },
      body: new Blob([file], { type: 'application/octet-stream' }),
    }),
  pieces: (order: Id) => request<{ items: Piece[] }>('GET', `/orders/${order}/electronic-pieces`),
  again: (order: Id) => request<{ items: Piece[] }>('POST', `/orders/${order}/electronic-pieces/send-again`),
  deliver: (order: Id) => request<{ items: Piece[] }>('POST', `/orders/${order}/electronic-pieces/deliver`),
  reveal: (piece: Id) => request<{ content: string }>('POST', `/electronic-pieces/${piece}/reveal`),
};

// How far an order is, as a colour and a measure. The colour never speaks alone: the name stands with it.
import type { Order, OrderStage } from '$lib/api';
import { maybe } from '$lib/i18n/index.svelte';

export type Tone = 'plain' | 'accent' | 'good' | 'warn' | 'bad';

const tones: Record<OrderStage, Tone> = {
  draft: 'plain',
  placed: 'accent',
  awaiting_payment: 'warn',
  paid: 'accent',
  processing: 'accent',
  on_hold: 'warn',
  packed: 'accent',
  shipped: 'accent',
  out_for_delivery: 'accent',
  at_pickup_point: 'good',
  delivered: 'good',
  completed: 'good',
  cancelled: 'plain',
  refunded: 'warn',
  returned: 'warn',
  failed: 'bad',
  attempt_failed: 'bad',
  returning: 'warn',
  unknown: 'warn',
};
export const stageTone = (stage: OrderStage): Tone => tones[stage] ?? 'plain';

const finished: OrderStage[] = ['completed', 'cancelled', 'refunded', 'returned', 'failed', 'delivered'];

/** The order that a contact is most likely about: the latest one still under way, else the latest. */
export function currentOrder(orders: Order[]): Order | undefined {
  const latest = orders.toSorted((a, b) => Date.parse(b.placed_at) - Date.parse(a.placed_at));
  return latest.find((o) => !finished.includes(o.stage)) ?? latest[0];
}

/** The four steps of the way, and how many are behind; undefined when the order left the way. */
export function progress(stage: OrderStage): number | undefined {
  switch (stage) {
    case 'draft':
    case 'placed':
    case 'awaiting_payment':
    case 'on_hold':
      return 1;
    case 'paid':
    case 'processing':
    case 'packed':
      return 2;
    case 'shipped':
    case 'out_for_delivery':
    case 'at_pickup_point':
    case 'attempt_failed':
      return 3;
    case 'delivered':
    case 'completed':
      return 4;
    default:
      return undefined;
  }
}

/** The name of a state on one of the four axes; a state from a newer server shows as it is. */
export function stateName(
  axis: 'order' | 'payment' | 'fulfilment' | 'shipment' | 'refund' | 'return',
  state: string,
): string {
  return maybe(`state.${axis}.${state}`) ?? state.replaceAll('_', ' ');
}

export function stateTone(state: string): Tone {
  if (/^(paid|captured|delivered|completed|at_pickup_point)$/.test(state)) return 'good';
  if (/fail|exception|expired|declined|charged_back/.test(state)) return 'bad';
  if (/pending|awaiting|hold|return|refund|partial|cancel|void|unpaid|unknown/.test(state)) return 'warn';
  return 'plain';
}

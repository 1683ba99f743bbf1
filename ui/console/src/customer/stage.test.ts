import { describe, expect, it } from 'vitest';
import type { Order } from '$lib/api';
import { currentOrder, progress } from './stage';

const order = (id: number, stage: Order['stage'], placed: string) =>
  ({ id, stage, placed_at: placed }) as Order;

describe('the current order', () => {
  it('is the latest under way, else the latest', () => {
    const done = order(1, 'completed', '2026-03-01T00:00:00Z');
    const shipped = order(2, 'shipped', '2026-02-01T00:00:00Z');
    const older = order(3, 'on_hold', '2026-01-01T00:00:00Z');
    expect(currentOrder([older, done, shipped])).toBe(shipped);
    expect(currentOrder([done])).toBe(done);
    expect(currentOrder([])).toBeUndefined();
  });

  it('has no progress once it left the way', () => {
    expect(progress('shipped')).toBe(3);
    expect(progress('cancelled')).toBeUndefined();
  });
});

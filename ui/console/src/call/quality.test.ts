import { describe, expect, it } from 'vitest';
import { count, judge, type Counted } from './quality';

const zero: Counted = { received: 0, lost: 0, jitter: 0, roundTrip: 0, theirLoss: 0 };

describe('a line', () => {
  it.each([
    ['a clean one', { received: 100, jitter: 0.004, roundTrip: 0.03 }, 'good', 4],
    ['one far away', { received: 100, jitter: 0.01, roundTrip: 0.28 }, 'good', 3],
    ['one that loses some', { received: 95, lost: 5 }, 'fair', 2],
    ['one that loses much', { received: 80, lost: 20 }, 'poor', 1],
    ['one on which they miss much', { received: 100, theirLoss: 0.3 }, 'poor', 1],
    ['one with long delay', { received: 100, roundTrip: 0.9 }, 'poor', 1],
    ['one that shakes', { received: 100, jitter: 0.14 }, 'fair', 2],
    ['one on which nothing comes', { received: 0 }, 'silent', 0],
  ])('%s', (_, now, grade, bars) => {
    expect(judge(zero, { ...zero, ...now })).toMatchObject({ grade, bars });
  });

  it('is judged by what happened since, not from the beginning', () => {
    const bad = { ...zero, received: 100, lost: 900 };
    expect(judge(bad, { ...bad, received: 200 })).toMatchObject({ grade: 'good', loss: 0 });
  });

  it('isn’t made better by packets that come after they were counted as lost', () => {
    expect(judge({ ...zero, lost: 5 }, { ...zero, received: 100, lost: 2 }).loss).toBe(0);
  });
});

describe('a report', () => {
  it('is read by its kinds', () => {
    const report = new Map<string, unknown>([
      ['a', { type: 'inbound-rtp', packetsReceived: 50, packetsLost: 2, jitter: 0.01 }],
      ['b', { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.08 }],
      ['c', { type: 'remote-inbound-rtp', fractionLost: 0.1, roundTripTime: 0.05 }],
      ['d', { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 }],
    ]);
    expect(count(report)).toEqual({ received: 50, lost: 2, jitter: 0.01, roundTrip: 0.05, theirLoss: 0.1 });
  });
});

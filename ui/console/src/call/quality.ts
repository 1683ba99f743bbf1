// How good a line is, in words and bars, from what a connection counted over the last seconds.

export interface Counted {
  /** Packets that came, and that should have come and didn't. */
  received: number;
  lost: number;
  /** Seconds. */
  jitter: number;
  roundTrip: number;
  /** The share of ours that the other side missed, 0 to 1. */
  theirLoss: number;
}
export interface Quality {
  grade: 'good' | 'fair' | 'poor' | 'silent';
  /** Of four. */
  bars: number;
  loss: number;
  jitterMs: number;
  roundTripMs: number;
}

/** Compares two counts. A hundred packets make two seconds; of fewer than ten nothing can be said but that nothing comes. */
export function judge(before: Counted, now: Counted): Quality {
  const came = now.received - before.received;
  const missing = Math.max(0, now.lost - before.lost);
  const loss = Math.max(came + missing > 0 ? missing / (came + missing) : 1, now.theirLoss);
  const jitterMs = Math.round(now.jitter * 1000);
  const roundTripMs = Math.round(now.roundTrip * 1000);
  const found = { loss, jitterMs, roundTripMs };
  if (came < 10) return { ...found, grade: 'silent', bars: 0 };
  // Speech suffers from loss first, then from delay; jitter is delay that the buffer makes of it.
  const delay = roundTripMs / 2 + 2 * jitterMs;
  if (loss > 0.1 || delay > 400) return { ...found, grade: 'poor', bars: 1 };
  if (loss > 0.03 || delay > 250) return { ...found, grade: 'fair', bars: 2 };
  if (loss > 0.01 || delay > 150) return { ...found, grade: 'good', bars: 3 };
  return { ...found, grade: 'good', bars: 4 };
}

/** Reads a connection's report. */
export function count(report: Iterable<[string, unknown]>): Counted {
  const found: Counted = { received: 0, lost: 0, jitter: 0, roundTrip: 0, theirLoss: 0 };
  for (const [, entry] of report) {
    const s = entry as Record<string, unknown>;
    const n = (name: string) => (typeof s[name] === 'number' ? (s[name] as number) : 0);
    if (s.type === 'inbound-rtp') {
      found.received = n('packetsReceived');
      found.lost = n('packetsLost');
      found.jitter = n('jitter');
    } else if (s.type === 'remote-inbound-rtp') {
      found.theirLoss = n('fractionLost');
      if (n('roundTripTime')) found.roundTrip = n('roundTripTime');
    } else if (s.type === 'candidate-pair' && s.nominated && !found.roundTrip) {
      found.roundTrip = n('currentRoundTripTime');
    }
  }
  return found;
}

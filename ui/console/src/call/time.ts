// Lengths of time as a telephone shows them.

/** "0:07", "12:31", "1:02:09". */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${two(s % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** How long since a moment; nothing while there wasn't one. */
export function since(at: string | null | undefined, now: number): string {
  return at ? span(now - Date.parse(at)) : '';
}

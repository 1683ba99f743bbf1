// The moments offered for snoozing, in the agent's own time. One that has passed today is not offered.
import type { Key } from '$lib/i18n/index.svelte';

const morning = 9;
const evening = 18;
const monday = 1;

export function snoozeTimes(now: Date): { key: string; label: Key; at: Date }[] {
  const at = (days: number, hour: number) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const toMonday = (monday - now.getDay() + 7) % 7 || 7;
  const times: { key: string; label: Key; at: Date }[] = [
    { key: 'hour', label: 'snooze.hour', at: new Date(now.getTime() + 3_600_000) },
  ];
  if (now.getHours() < evening - 1)
    times.push({ key: 'evening', label: 'snooze.evening', at: at(0, evening) });
  times.push({ key: 'tomorrow', label: 'snooze.tomorrow', at: at(1, morning) });
  times.push({ key: 'three_days', label: 'snooze.three_days', at: at(3, morning) });
  if (toMonday > 1) times.push({ key: 'monday', label: 'snooze.monday', at: at(toMonday, morning) });
  return times;
}

// The ringing of the console: two soft notes every three seconds, from the chosen loudspeaker.
import { direct } from './devices.svelte';

const every = 3000;
const notes = [659.3, 523.3];

/** Rings until the returned function is called. A browser that lets no sound out before a click stays silent. */
export function ring(): () => void {
  let context: AudioContext | undefined;
  try {
    context = new AudioContext();
  } catch {
    return () => {};
  }
  void direct(context);
  const once = () => {
    if (context!.state === 'running') for (const [i, hz] of notes.entries()) note(context!, hz, i * 0.35);
  };
  void context.resume().then(once, () => {});
  const timer = setInterval(once, every);
  return () => {
    clearInterval(timer);
    void context!.close().catch(() => {});
  };
}

/** One note that swells and fades. */
export function note(context: AudioContext, hz: number, delay: number): void {
  const at = context.currentTime + delay;
  const volume = context.createGain();
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(0.2, at + 0.04);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
  const tone = context.createOscillator();
  tone.frequency.value = hz;
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + 0.55);
}

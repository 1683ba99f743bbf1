// Microphones and loudspeakers: which there are, and which this browser is to use. A device that was unplugged gives way to the
// system's own choice and is used again when it is back.
import { keep, recall } from '$lib/app/keep';

export interface Device {
  id: string;
  name: string;
}

let microphones = $state.raw<Device[]>([]);
let speakers = $state.raw<Device[]>([]);
let microphone = $state(recall('microphone', ''));
let speaker = $state(recall('speaker', ''));

/** Whether this browser lets the page choose where sound comes out. */
export const choosesSpeaker =
  typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;

const known = (list: Device[], id: string) => (list.some((d) => d.id === id) ? id : '');

export const devices = {
  get microphones(): Device[] {
    return microphones;
  },
  get speakers(): Device[] {
    return speakers;
  },
  /** Empty: the system's own. */
  get microphone(): string {
    return known(microphones, microphone);
  },
  set microphone(id: string) {
    microphone = id;
    keep('microphone', id);
  },
  get speaker(): string {
    return known(speakers, speaker);
  },
  set speaker(id: string) {
    speaker = id;
    keep('speaker', id);
  },
};

/** Looks what there is. Names are known once the microphone was allowed. */
export async function lookAround(): Promise<void> {
  const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all
      .filter(
        (d) => d.kind === kind && d.deviceId && d.deviceId !== 'default' && d.deviceId !== 'communications',
      )
      .map((d, i) => ({ id: d.deviceId, name: d.label || String(i + 1) }));
  microphones = of('audioinput');
  speakers = of('audiooutput');
}

/** Opens the chosen microphone, or the system's own where the chosen one isn't there. */
export async function openMicrophone(): Promise<MediaStream> {
  const clean = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  await lookAround();
  const id = devices.microphone;
  if (id) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { ...clean, deviceId: { exact: id } } });
    } catch (cause) {
      if (
        !(cause instanceof DOMException) ||
        !['OverconstrainedError', 'NotFoundError', 'NotReadableError'].includes(cause.name)
      )
        throw cause;
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio: clean });
}

/** Has a player or a context come out of the chosen loudspeaker. */
export async function direct(out: HTMLMediaElement | AudioContext): Promise<void> {
  const to = out as { setSinkId?: (id: string) => Promise<void> };
  await to.setSinkId?.(devices.speaker).catch(() => {}); // gone: the system's own stays
}

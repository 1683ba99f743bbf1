import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { root } from './setup.ts'
import { expect, type Opeka } from './world.ts'

/** A telephone provider with people who ring and are rung, over real SIP. */
export interface Town {
  /** The shop's number. */
  number: string
  /** Somebody with a number, who says a tone; takes: answers by himself. */
  person(number: string, tone: number, takes?: boolean): Promise<Person>
  /** A telephone of an agent's own that registers at the program, and says a tone. */
  handset(server: string, name: string, password: string, tone: number): Promise<Handset>
  end(): Promise<void>
}
export interface Handset {
  rung(): Promise<Line>
}
export interface Person {
  number: string
  call(): Promise<Line>
  /** The next call that rings at him. */
  rung(): Promise<Line>
}
/** One call at its other end. Each verb waits until it is so, and fails where it doesn't come to be. */
export interface Line {
  answer(): Promise<void>
  answered(): Promise<void>
  over(): Promise<void>
  hangUp(): Promise<void>
  pressed(keys: string): Promise<void>
  held(on: boolean): Promise<void>
  hears(tone: number): Promise<void>
  misses(tone: number): Promise<void>
}

/** Opens a provider and connects the store to it; whoever rings in comes into one queue. The shop is open and rings its customers whatever the day and the hour at which the tests
 *  run, and agents have time enough on a loaded machine: an offer that a slow page hasn't shown in time would go to somebody else. */
export async function openTown(opeka: Opeka): Promise<Town> {
  await opeka.api('PATCH', `/stores/${opeka.store.id}`, { calendar: { zone: 'Europe/Kyiv', always: true } })
  const rules = await opeka.api('GET', `/stores/${opeka.store.id}/callback-rules`)
  await opeka.api('PUT', `/stores/${opeka.store.id}/callback-rules`, { ...rules, policy: { ...rules.policy, from: '00:00', to: '24:00', offer_s: 300, wrap_up_s: 3600, ring_s: 120 } })
  const child = spawn(join(root, 'bin/opeka-browser-town'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map<number, { done: (a: any) => void; fail: (e: Error) => void }>()
  let first: ((a: any) => void) | undefined
  const begun = new Promise<any>((resolve) => (first = resolve))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line)
    if (first) {
      first(answer)
      first = undefined
      return
    }
    const who = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.error) who?.fail(new Error(answer.error))
    else who?.done(answer)
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let last = 0
  const order = (body: object) => {
    const id = ++last
    child.stdin.write(JSON.stringify({ id, ...body }) + '\n')
    return new Promise<any>((done, fail) => waiting.set(id, { done, fail }))
  }
  const line = (call: number): Line => {
    const tell = async (what: string, more: object = {}) => void (await order({ do: what, call, ...more }))
    return {
      answer: () => tell('answer'),
      answered: () => tell('answered'),
      over: () => tell('over'),
      hangUp: () => tell('hangup'),
      pressed: (keys) => tell('pressed', { keys }),
      held: (on) => tell('held', { on }),
      hears: (tone) => tell('hears', { tone }),
      misses: (tone) => tell('misses', { tone }),
    }
  }
  const { settings, number } = await begun
  const connection = await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'sip', name: 'Оператор', settings })
  const queue = await opeka.api('POST', '/phone-queues', { store_id: opeka.store.id, name: 'Магазин' })
  await expect.poll(() => order({ do: 'registered' }).then(() => true, () => false)).toBe(true)
  return {
    number,
    person: async (of, tone, takes = false) => {
      await order({ do: 'person', number: of, tone, takes })
      return {
        number: of,
        call: async () => line((await order({ do: 'call', number: of, to: number })).call),
        rung: async () => line((await order({ do: 'rung', number: of })).call),
      }
    },
    handset: async (server, name, password, tone) => {
      await order({ do: 'handset', number: name, to: server, keys: password, tone })
      return {
        rung: async () => line((await order({ do: 'rung', number: name })).call),
      }
    },
    end: async () => {
      await opeka.api('DELETE', `/phone-queues/${queue.id}`)
      await opeka.api('DELETE', `/connections/${connection.id}`)
      child.stdin.end()
      await ended
    },
  }
}

/** A microphone before which somebody says a tone: ten seconds of it, over and over. */
export function whistle(hz: number): Buffer {
  const rate = 48000
  const samples = rate * 10
  const wav = Buffer.alloc(44 + samples * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples * 2, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(rate, 24)
  wav.writeUInt32LE(rate * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples * 2, 40)
  for (let n = 0; n < samples; n++) wav.writeInt16LE(Math.round(10000 * Math.sin((2 * Math.PI * hz * n) / rate)), 44 + n * 2)
  return wav
}

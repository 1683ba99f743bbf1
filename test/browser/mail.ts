import { createServer, type Socket } from 'node:net'

/** A mail server that takes what the store sends, or refuses it. */
export interface Relay {
  port: number
  /** Each letter as it came: whom it was for, and its text. */
  letters: { to: string[]; text: string }[]
  /** Recipients that are refused for good. */
  refuse: Set<string>
  end(): Promise<void>
}

export async function openRelay(): Promise<Relay> {
  const letters: Relay['letters'] = []
  const refuse = new Set<string>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    let buffer = ''
    let to: string[] = []
    let data = false
    const say = (line: string) => socket.write(line + '\r\n')
    say('220 relay.test')
    socket.on('error', () => undefined)
    socket.on('data', (b) => {
      buffer += b.toString('utf8')
      for (;;) {
        if (data) {
          const end = buffer.indexOf('\r\n.\r\n')
          if (end < 0) return
          letters.push({ to, text: buffer.slice(0, end) })
          buffer = buffer.slice(end + 5)
          data = false
          to = []
          say('250 taken')
          continue
        }
        const end = buffer.indexOf('\r\n')
        if (end < 0) return
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        const verb = line.slice(0, 4).toUpperCase()
        if (verb === 'RCPT') {
          const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
          if (refuse.has(address)) {
            say('554 5.7.1 not today')
            continue
          }
          to.push(address)
          say('250 ok')
        } else if (verb === 'DATA') {
          data = true
          say('354 go on')
        } else if (verb === 'QUIT') {
          say('221 bye')
          socket.end()
        } else if (verb === 'RSET') {
          to = []
          say('250 ok')
        } else say('250 ok')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    letters,
    refuse,
    end: async () => {
      for (const s of sockets) s.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** decoded is the letter's text with quoted-printable undone, for what a test looks for in it. */
export function decoded(text: string): string {
  const bytes: number[] = []
  const joined = text.replace(/=\r\n/g, '')
  for (let n = 0; n < joined.length; n++) {
    const hex = /^=([0-9A-F]{2})/.exec(joined.slice(n, n + 3))
    if (hex) {
      bytes.push(parseInt(hex[1], 16))
      n += 2
    } else bytes.push(...Buffer.from(joined[n]))
  }
  return Buffer.from(bytes).toString('utf8')
}

import { createServer } from 'node:http'

/** A number of Meta's Cloud API with one approved message; what it is given is kept. */
export interface Number {
  url: string
  settings: Record<string, string>
  sent: { to: string; template?: string; params: string[] }[]
  end(): Promise<void>
}

const id = '106540352242922'
const account = '102290129340398'
const secret = 'app-secret-0123'

export async function openNumber(): Promise<Number> {
  const sent: Number['sent'] = []
  let last = 1000
  const server = createServer((ask, answer) => {
    let body = ''
    ask.on('data', (b: Buffer) => (body += b.toString()))
    ask.on('end', () => {
      const say = (what: unknown, status = 200) => {
        answer.writeHead(status, { 'Content-Type': 'application/json' })
        answer.end(JSON.stringify(what))
      }
      const path = new URL(ask.url ?? '/', 'http://x').pathname
      if (ask.headers.authorization !== 'Bearer token') return say({ error: { code: 190, message: 'Error validating access token' } }, 401)
      if (path === `/${account}/message_templates`)
        return say({
          data: [
            { name: 'order_ready', language: 'en', status: 'APPROVED', category: 'UTILITY', components: [
              { type: 'BODY', text: 'Hello {{first_name}}, your order waits at {{where}}.', example: { body_text_named_params: [{ param_name: 'where', example: 'Green St 5' }] } },
              { type: 'FOOTER', text: 'Karpaty' },
            ] },
          ],
        })
      if (path === `/${id}/messages`) {
        const m = JSON.parse(body)
        if (m.type !== 'template') return say({ error: { code: 131047, message: 'Re-engagement message' } }, 400)
        const params = (m.template.components ?? []).flatMap((c: any) => c.parameters.map((p: any) => p.text))
        sent.push({ to: m.to, template: m.template.name, params })
        return say({ messages: [{ id: `wamid.${++last}` }] })
      }
      say({ display_phone_number: '+1 555-078-3881', verified_name: 'Shop', success: true })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    settings: { phone_number_id: id, account_id: account, access_token: 'token', app_secret: secret, verify_token: 'v', api_url: url },
    sent,
    end: () => new Promise((resolve) => { server.closeAllConnections(); server.close(() => resolve()) }),
  }
}

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { accessible, expect, looks, test } from './world.ts'

// A shopper who wants to be rung, or to hear when something is there, in the widget.
let shop: Server
let shopURL = ''

test.beforeAll(async ({ opeka }) => {
  const policy = `default-src 'none'; script-src ${opeka.url} 'unsafe-inline'; connect-src ${opeka.url} ${opeka.url.replace('http', 'ws')}; img-src ${opeka.url}`
  shop = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.setHeader('Content-Security-Policy', policy)
    const seen = request.url?.includes('boots') ? `<script>opeka('track','product',{id:'boots',name:'Черевики'})</script>` : ''
    response.end(`<!doctype html><html lang="uk"><head><title>Крамниця</title><meta name="viewport" content="width=device-width,initial-scale=1">
<script>window.opeka=window.opeka||function(){(opeka.q=opeka.q||[]).push(arguments)}</script><script async src="${opeka.url}/widget.js" data-store="${opeka.store.slug}"></script></head><body><main><h1>Крамниця</h1>${seen}</main></body></html>`)
  })
  await new Promise<void>((done) => shop.listen(0, '127.0.0.1', done))
  shopURL = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  await opeka.api('PATCH', `/stores/${opeka.store.id}`, { currency: 'UAH', calendar: { zone: 'Europe/Kyiv', always: true } })
  await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'sip', name: 'Оператор', settings: { mode: 'ip', server: '127.0.0.1:9', keepalive: 0 } })
})

test.afterAll(() => void shop.close())

test.use({ locale: 'uk-UA' })

test.beforeEach(async ({ page }) => {
  // A closed shadow root keeps tests out too.
  await page.addInitScript(() => {
    const attach = Element.prototype.attachShadow
    Element.prototype.attachShadow = function (o) {
      return attach.call(this, { ...o, mode: 'open' })
    }
  })
})

test('a shopper asks to be rung, is told when, and takes it back', async ({ page, opeka }) => {
  await page.goto(shopURL)
  await page.getByRole('button', { name: 'Відкрити чат' }).click()
  await page.getByRole('button', { name: 'Передзвоніть мені' }).last().click()
  await expect(page.getByText(/Зателефонуємо: /)).toBeVisible()
  await page.getByRole('button', { name: 'Замовити дзвінок' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'Вкажіть' })).toBeVisible()
  await expect(page.getByLabel('Ваш номер телефону')).toBeFocused()
  await page.getByLabel('Ваш номер телефону').fill('12')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert').filter({ hasText: 'номер' })).toBeVisible()
  await page.getByLabel('Ваш номер телефону').fill('067 111-22-33')
  await page.getByLabel('Про що йдеться?').fill('Про намет')
  await page.getByRole('button', { name: 'Замовити дзвінок' }).click()
  await expect(page.getByText('Дзвінок на …2233')).toBeVisible()
  // Other calls may be owed by the same program.
  const board = async () =>
    (await opeka.api('GET', `/callbacks?store_id=${opeka.store.id}`)).items.filter((c: { number: string }) => c.number === '+380671112233')
  const [owed] = await board()
  expect(owed.reasons[0].note).toBe('Про намет')

  await page.getByRole('button', { name: 'Скасувати' }).click()
  await expect(page.getByText('Скасовано: телефонувати не будемо.')).toBeVisible()
  await expect.poll(async () => (await board()).filter((c: { state: string }) => c.state !== 'cancelled').length).toBe(0)
  await page.getByRole('button', { name: 'Назад до чату' }).click()
  await expect(page.getByLabel('Напишіть повідомлення')).toBeFocused()
})

test('who looks at something that is sold out asks to hear of it', async ({ page, opeka }) => {
  const items = [
    { kind: 'location', external_id: 'kyiv', data: { name: 'Київ', default: true } },
    { kind: 'product', external_id: 'boots', data: { name: 'Черевики', variants: [{ external_id: 'boots-38', sku: 'B38', name: '38', price: { amount: 100, currency: 'UAH' } }, { external_id: 'boots-39', sku: 'B39', name: '39', price: { amount: 100, currency: 'UAH' } }] } },
    { kind: 'stock', external_id: 'boots-38@kyiv', data: { variant: 'boots-38', location: 'kyiv' } },
    { kind: 'stock', external_id: 'boots-39@kyiv', data: { variant: 'boots-39', location: 'kyiv', on_hand: 4 } },
  ].map((i) => ({ op: 'upsert', updated_at: new Date().toISOString(), ...i }))
  const secret = 'a secret of the shop and the program'
  const made = await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'generic', name: 'Магазин', settings: { secret } })
  const body = JSON.stringify({ items })
  const at = Math.floor(Date.now() / 1000)
  const { createHmac } = await import('node:crypto')
  const told = await page.request.post(`${opeka.url}/ingest/v1/${made.id}/batch`, {
    data: Buffer.from(body),
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'goods', 'X-Signature': `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}` },
  })
  expect(told.ok(), await told.text()).toBe(true)
  await page.goto(shopURL + '/boots')
  await page.getByRole('button', { name: 'Відкрити чат' }).click()
  await page.getByRole('button', { name: 'Повідомити, коли з’явиться: Черевики' }).click()
  await page.getByLabel('Ваш номер телефону').fill('+380671112244')
  await page.getByRole('button', { name: 'Повідомити мене' }).click()
  await expect(page.getByText('Зателефонуємо, коли з’явиться. Ваше місце: 1.').first()).toBeVisible()
  const wishes = await opeka.api('GET', `/stock-subscriptions?store_id=${opeka.store.id}`)
  expect(wishes.items.map((w: { sku: string; number: string }) => [w.sku, w.number])).toContainEqual(['B38', '+380671112244'])

  // The shop's own button does the same.
  await page.goto(shopURL)
  await page.evaluate(() => (window as unknown as { opeka(...a: unknown[]): void }).opeka('watch', 'boots-39'))
  await expect(page.getByText('Черевики є в наявності: можна замовляти.')).toBeVisible()
})

for (const look of looks) {
  test(`the form stands in ${look.name}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ ...look, width: look.width === 390 ? 360 : look.width })
    await page.goto(shopURL)
    await page.evaluate(() => (window as unknown as { opeka(...a: unknown[]): void }).opeka('call'))
    await expect(page.getByRole('button', { name: 'Замовити дзвінок' })).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press('Tab')
      const inside = await page.evaluate(() => {
        const at = document.querySelector('opeka-chat')!.shadowRoot!.activeElement
        return !!at && !at.closest('[inert]')
      })
      expect(inside).toBe(true)
    }
  })
}

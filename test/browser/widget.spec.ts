import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from '@playwright/test'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// A shop on another origin, with the strictest policy that lets the widget in and with styles that would wreck it.
let shop: Server
let shopURL = ''

const hostile = '*{font-size:31px;color:#a00;letter-spacing:3px} button,input,textarea,div,p{border:5px solid lime!important;padding:30px!important;display:inline!important}'

test.beforeAll(async ({ opeka }) => {
  const policy = `default-src 'none'; script-src ${opeka.url}; connect-src ${opeka.url} ${opeka.url.replace('http', 'ws')}; img-src ${opeka.url}; style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'`
  shop = createServer((request, response) => {
    if (request.url === '/shop.css') {
      response.setHeader('Content-Type', 'text/css')
      response.end(request.headers.referer?.includes('hostile') ? hostile : '')
      return
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    if (!request.url?.includes('plain')) response.setHeader('Content-Security-Policy', policy)
    response.end(`<!doctype html><html lang="uk"><head><title>Крамниця</title><meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/shop.css">
<script async src="${opeka.url}/widget.js" data-store="${opeka.store.slug}"></script></head><body><main><h1>Крамниця</h1><a href="/two?hostile">Далі</a></main></body></html>`)
  })
  await new Promise<void>((done) => shop.listen(0, '127.0.0.1', done))
  shopURL = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
  // Visitors may come at any hour of the test.
  await opeka.api('PATCH', `/stores/${opeka.store.id}`, { calendar: { zone: 'Europe/Kyiv', always: true } })
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

const latest = async (opeka: Opeka) => (await opeka.api('GET', '/conversations?view=open&sort=latest')).items[0].id as number
const reply = async (opeka: Opeka, body: string) => opeka.api('POST', `/conversations/${await latest(opeka)}/messages`, { kind: 'reply', body })
const texts = async (opeka: Opeka) =>
  (await opeka.api('GET', `/conversations/${await latest(opeka)}`)).messages.filter((m: { kind: string }) => m.kind === 'reply').map((m: { body: string }) => m.body)

async function write(page: Page, text: string) {
  await page.getByLabel('Напишіть повідомлення').fill(text)
  await page.keyboard.press('Enter')
}

test('a page with the widget closed costs one small request', async ({ page, opeka }) => {
  const asked: string[] = []
  page.on('request', (r) => r.url().startsWith(opeka.url) && asked.push(r.url()))
  const loaded = page.waitForResponse(opeka.url + '/widget.js')
  await page.goto(shopURL)
  const sizes = await (await loaded).request().sizes()
  await expect(page.getByRole('button', { name: 'Відкрити чат' })).toBeVisible()
  await page.waitForLoadState('networkidle')
  expect(asked).toEqual([opeka.url + '/widget.js'])
  expect(sizes.responseBodySize).toBeLessThanOrEqual(2048)
})

test('shopper and agent talk, under a strict policy and hostile styles, across pages', async ({ page, opeka }) => {
  await page.goto(shopURL + '/?hostile')
  await page.getByRole('button', { name: 'Відкрити чат' }).click()
  await expect(page.getByRole('dialog')).toHaveCSS('width', '376px')
  await expect(page.getByLabel('Напишіть повідомлення')).toBeFocused()
  await write(page, 'Де моє <b>замовлення</b>?')
  await expect(page.getByText('Доставлено')).toBeVisible()
  await reply(opeka, 'У дорозі')
  await expect(page.getByRole('log').getByText('У дорозі')).toBeVisible()

  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Відкрити чат' })).toBeFocused()
  await Promise.all([page.waitForEvent('websocket'), page.getByRole('link', { name: 'Далі' }).click()])
  await reply(opeka, 'Завтра до 14:00')
  await page.getByRole('button', { name: '1 нове повідомлення' }).click()
  await expect(page.getByRole('log').getByText('Завтра до 14:00')).toBeVisible()
  await expect(page.getByRole('log').getByText('Де моє <b>замовлення</b>?')).toBeVisible()
})

test('what is written without a network is sent once when it is back', async ({ page, context, opeka }) => {
  await page.goto(shopURL)
  await page.getByRole('button', { name: 'Відкрити чат' }).click()
  await write(page, 'перше')
  await expect(page.getByText('Доставлено')).toBeVisible()
  await context.setOffline(true)
  await write(page, 'друге')
  await write(page, 'третє')
  await expect(page.getByText('Повідомлень у черзі: 2')).toBeVisible()
  await context.setOffline(false)
  await expect.poll(() => texts(opeka)).toEqual(['перше', 'друге', 'третє'])
  await expect(page.getByText('Повідомлень у черзі')).toBeHidden()
})

for (const look of looks) {
  test(`the panel stands in ${look.name}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize(look)
    await page.goto(shopURL + '/?plain')
    await page.getByRole('button', { name: 'Відкрити чат' }).click()
    await page.getByRole('button', { name: 'Де моє замовлення?' }).click()
    await expect(page.getByText('Доставлено')).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    for (let i = 0; i < 8; i++) await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('OPEKA-CHAT')
  })
}

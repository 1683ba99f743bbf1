import { createHmac, randomUUID } from 'node:crypto'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// Electronic goods: a product is made one, keys are checked and taken in, an order gets its key, an agent looks at it and sends it again, the customer finds it on his page.

async function ingest(opeka: Opeka, connection: number, secret: string, items: unknown[]) {
  const body = JSON.stringify({ items })
  const at = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  const answer = await fetch(`${opeka.url}/ingest/v1/${connection}/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), 'X-Signature': `t=${at},v1=${v1}` },
    body,
  })
  expect(answer.status).toBe(200)
}

const uah = (amount: number) => ({ amount, currency: 'UAH' })

for (const look of looks)
  test(`electronic goods, ${look.name}`, async ({ signedIn: page, opeka }) => {
    const secret = randomUUID()
    const mark = secret.slice(0, 6).toUpperCase()
    const made = await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'generic', name: 'Shop ' + mark, settings: { secret } })
    const connection = made.id ?? made.connection.id
    await ingest(opeka, connection, secret, [
      {
        kind: 'product', op: 'upsert', external_id: 'game', updated_at: new Date().toISOString(),
        data: { name: 'Гра ' + mark, virtual: true, variants: [{ external_id: 'game', sku: 'G-' + mark, price: uah(49900) }] },
      },
    ])
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/electronic')
    await page.getByRole('button', { name: 'Make a product electronic' }).click()
    const form = page.getByRole('dialog', { name: 'Make a product electronic' })
    await form.getByLabel('Find a product by name or SKU').first().fill('G-' + mark)
    await form.getByRole('button', { name: new RegExp('G-' + mark) }).click()
    await form.getByLabel('For the customer: how to use it').fill('Введіть ключ у програмі.')
    await accessible(page)
    await form.getByRole('button', { name: 'Save' }).click()
    const row = page.getByRole('listitem').filter({ hasText: 'Гра ' + mark })
    await expect(row.getByText('Few left')).toBeVisible()

    // A file with a wrong row: told before anything is taken in.
    await row.getByRole('button', { name: 'Import keys' }).click()
    const keys = page.getByRole('dialog', { name: 'Keys of Гра ' + mark })
    await keys.getByLabel('Keys').fill(`key\nAAAA-BBBB-${mark}\nAAAA-BBBB-${mark}\nCCCC-DDDD-${mark}`)
    await keys.getByRole('button', { name: 'Check' }).click()
    await expect(keys.getByText('2 of 3 rows can be taken in')).toBeVisible()
    await expect(keys.getByText('The key stands in the file twice')).toBeVisible()
    await accessible(page)
    await keys.getByRole('button', { name: 'Take in 2' }).click()
    await expect(row.getByText('Free: 2')).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)

    // An order is paid for: its key is on the order's page, masked.
    const number = 'E-' + mark
    const placed = new Date(Date.now() + 1000).toISOString()
    await ingest(opeka, connection, secret, [
      {
        kind: 'order', op: 'upsert', external_id: number, updated_at: placed,
        data: {
          number, status: 'paid', order_state: 'placed', payment_state: 'paid', currency: 'UAH', total: uah(49900), placed_at: placed,
          customer: { name: 'Олена Шевченко', email: `olena.${mark.toLowerCase()}@example.com` },
          lines: [{ variant: 'game', sku: 'G-' + mark, name: 'Гра ' + mark, quantity: 1, price: uah(49900), total: uah(49900) }],
        },
      },
    ])
    const order = await expect
      .poll(async () => (await opeka.api('GET', `/find?q=${number}&store_id=${opeka.store.id}`)).items.find((f: { kind: string }) => f.kind === 'order')?.id)
      .toBeTruthy()
      .then(async () => (await opeka.api('GET', `/find?q=${number}&store_id=${opeka.store.id}`)).items.find((f: { kind: string }) => f.kind === 'order').id)
    await expect.poll(async () => (await opeka.api('GET', `/orders/${order}/electronic-pieces`)).items.map((p: { state: string }) => p.state)).toEqual(['delivered'])
    await page.goto(`${opeka.url}/app/orders/${order}`)
    const given = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Electronic goods' }) })
    await expect(given.getByText('Given')).toBeVisible()
    await expect(given.getByText(`AAAA-BBBB-${mark}`)).toHaveCount(0)
    await given.getByRole('button', { name: 'Show' }).click()
    await page.getByRole('dialog', { name: 'Show the key?' }).getByRole('button', { name: 'Show' }).click()
    await expect(given.getByText(`AAAA-BBBB-${mark}`)).toBeVisible()
    await given.getByRole('button', { name: 'Send again' }).click()
    await expect(page.getByText('The customer gets it again')).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  })

import { createHmac } from 'node:crypto'
import type { Page } from '@playwright/test'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

const connect = (opeka: Opeka, name: string) =>
  opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'generic', name, settings: { secret: 'the first secret' } })

async function standsInAllLooks(page: Page) {
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), look.name).toBe(true)
  }
}

test('a file is checked, imported, and its goods are in stock', async ({ signedIn: page, opeka }) => {
  const { id } = await connect(opeka, 'Goods')
  await page.goto(`${opeka.url}/app/settings/connections/${id}`)
  await page.getByRole('link', { name: 'Choose a file' }).click()
  await page.getByLabel('What is in the file').selectOption('product')
  const file = 'Артикул;Назва;Вартість;Залишок\nM-1;Горнятко;250,50;5\nM-2;Ложка;дорого;1\nM-3;Тарілка;100;7\n'
  await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'goods.csv', mimeType: 'text/csv', buffer: Buffer.from(file) })
  await page.getByRole('button', { name: 'Read the file' }).click()

  await expect(page.getByRole('heading', { name: 'goods.csv' })).toBeVisible()
  await expect(page.getByLabel('Between columns')).toHaveValue(';')
  await expect(page.getByLabel('Numbers')).toHaveValue('comma')
  await expect(page.getByLabel('Price (optional)')).toHaveValue('-1')
  // Columns follow the separator, and come back with it.
  await page.getByLabel('Between columns').selectOption(',')
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('-1')
  await page.getByRole('button', { name: 'Check without changing anything' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page.getByLabel('Name', { exact: true })).toHaveAttribute('aria-invalid', 'true')
  await page.getByLabel('Between columns').selectOption(';')
  await page.getByLabel('Name', { exact: true }).selectOption('Назва')
  await page.getByLabel('SKU (optional)').selectOption('Артикул')
  await page.getByLabel('Price (optional)').selectOption('Вартість')
  await page.getByLabel('Quantity (optional)').selectOption('Залишок')

  await page.getByRole('button', { name: 'Check without changing anything' }).click()
  const refused = page.getByRole('list', { name: 'Refused rows' }).getByRole('listitem')
  await expect(refused).toHaveCount(1)
  await expect(refused).toContainText('Row 3 · Price · “дорого” isn\'t a number.')
  expect((await opeka.api('GET', `/products?store_id=${opeka.store.id}&q=Горнятко`)).items).toEqual([])
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download as CSV' }).click()
  expect((await download).suggestedFilename()).toBe('errors.csv')
  await standsInAllLooks(page)

  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByRole('status').filter({ hasText: 'Imported' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('status').filter({ hasText: 'Imported' })).toBeVisible()
  await expect(refused).toHaveCount(1)

  await page.goto(opeka.url + '/app/stock')
  await page.getByRole('searchbox').fill('Горнятко')
  await expect(page.getByRole('main').getByText('Горнятко').first()).toBeVisible()
  const { items } = await opeka.api('GET', `/products?store_id=${opeka.store.id}&q=Горнятко`)
  expect(items[0].variants[0].stock[0].available).toBe(5)

  // The columns are remembered for files with these headings.
  await page.goto(`${opeka.url}/app/settings/import?connection=${id}`)
  await page.getByLabel('File', { exact: true }).setInputFiles({ name: 'again.csv', mimeType: 'text/csv', buffer: Buffer.from(file) })
  await page.getByRole('button', { name: 'Read the file' }).click()
  await expect(page.getByLabel('Price (optional)')).toHaveValue('2')
})

test('a shop of its own make pushes an order signed with the shown secret', async ({ signedIn: page, opeka }) => {
  const { id } = await connect(opeka, 'Own shop')
  await page.goto(`${opeka.url}/app/settings/connections/${id}`)
  await expect(page.getByRole('region', { name: 'Records' })).toContainText(`${opeka.url}/ingest/v1/${id}/batch`)
  await page.getByRole('button', { name: 'Make a new one' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Make a new one' }).click()
  await expect(page.getByText('Two are valid')).toBeVisible()
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  const fresh = (await page.locator('code').filter({ hasText: 'Signing secret' }).innerText()).split(':').pop()!.trim()
  expect(fresh).toMatch(/^[0-9a-f]{64}$/)
  await expect(page.getByRole('region', { name: 'Try it' })).toContainText(fresh)
  await standsInAllLooks(page)

  const push = (secret: string, number: string) => {
    const body = JSON.stringify({
      items: [
        {
          kind: 'order',
          external_id: number,
          data: { number, status: 'new', placed_at: '2026-03-02T09:05:00Z', customer: { external_id: 'c-17', name: 'Olena', phone: '+380501112233' }, total: { amount: 79800, currency: 'UAH' } },
        },
      ],
    })
    const t = Math.floor(Date.now() / 1000)
    const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')
    return page.request.post(`${opeka.url}/ingest/v1/${id}/batch`, { data: body, headers: { 'Content-Type': 'application/json', 'X-Signature': `t=${t},v1=${v1}` } })
  }
  for (const [secret, number] of [[fresh, 'SHOP-7001'], ['the first secret', 'SHOP-7002']] as const)
    expect((await (await push(secret, number)).json()).results[0].result).toBe('created')
  await expect.poll(async () => (await opeka.api('GET', '/find?q=SHOP-7001')).items.map((x: { kind: string }) => x.kind)).toContain('order')

  await page.getByRole('button', { name: 'End the old one' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End the old one' }).click()
  await expect(page.getByText('Two are valid')).toBeHidden()
  expect((await push('the first secret', 'SHOP-7003')).status()).toBe(401)
  expect((await push(fresh, 'SHOP-7003')).ok()).toBe(true)
})

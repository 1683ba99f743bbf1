import { randomUUID } from 'node:crypto'
import type { Page } from '@playwright/test'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// Saved replies, filters, one act on several conversations, and threads that are very long.
const ids: Record<string, number> = {}

async function chat(opeka: Opeka, name: string, body: string) {
  const send = async (path: string, data: unknown, token = '') => {
    const answer = await fetch(`${opeka.url}/widget/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(data),
    })
    expect(answer.status).toBeLessThan(300)
    return answer.json()
  }
  const { token } = await send('/session', { store: opeka.store.slug, language: 'uk' })
  await send('/messages', { client_id: randomUUID(), body, name }, token)
}

test.beforeAll(async ({ opeka }) => {
  await opeka.api('POST', '/topics', { store_id: opeka.store.id, name: 'Доставка' })
  for (const n of [1, 2, 3, 4]) await chat(opeka, `Гість ${n}`, `Питання ${n}`)
  // What other files of this worker talked about is over, so that the list holds these four alone.
  for (const row of (await opeka.api('GET', '/conversations?limit=100')).items) {
    if (row.preview.startsWith('Питання ')) ids[row.preview] = row.id
    else await opeka.api('POST', `/conversations/${row.id}/resolve`)
  }
  expect(Object.keys(ids)).toHaveLength(4)
})

async function stands(page: Page) {
  for (const look of [looks[0], looks[3]]) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), look.name).toBe(true)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
}

test('a reply is saved, a slip in it is refused, and "/" says it filled in', async ({ signedIn: page, opeka }) => {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/settings/macros/new')
  await page.getByLabel('Name', { exact: true }).fill('Де замовлення')
  await page.getByLabel('Text: English').or(page.getByLabel('Text in English')).fill('Hello')
  const uk = page.getByLabel('Text in Українська')
  await uk.fill('Вітаю, {customer.nmae}!')
  await page.getByRole('button', { name: 'Save the reply' }).click()
  await expect(page.getByText('There is no {customer.nmae} to fill in').first()).toBeVisible()
  await expect(uk).toHaveAttribute('aria-invalid', 'true')
  await uk.fill('Вітаю! ТТН ')
  await page.getByRole('button', { name: 'Tracking number' }).click()
  await expect(uk).toHaveValue('Вітаю! ТТН {order.tracking}')
  await uk.press('End')
  await uk.pressSequentially('. ')
  await page.getByRole('button', { name: 'Your first name' }).click()
  await stands(page)
  await page.getByRole('button', { name: 'Save the reply' }).click()
  await expect(page.getByRole('link', { name: /Де замовлення/ })).toBeVisible()

  await page.goto(`${opeka.url}/app/inbox/open/${ids['Питання 1']}`)
  const area = page.getByRole('textbox', { name: 'Reply' })
  await area.click()
  await page.keyboard.type('/де')
  const option = page.getByRole('listbox', { name: 'Saved replies' }).getByRole('option')
  await expect(option).toHaveCount(1)
  await expect(option).toContainText('{order.tracking}. Olena')
  await stands(page)
  await page.keyboard.press('Enter')
  await expect(area).toHaveValue('Вітаю! ТТН {order.tracking}. Olena')
  // What couldn't be filled isn't sent, and is what one types over.
  await expect(page.getByText('Fill in or delete first: {order.tracking}')).toBeVisible()
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('log').getByText('ТТН')).toBeHidden()
  await page.keyboard.type('20450000000017')
  await expect(area).toHaveValue('Вітаю! ТТН 20450000000017. Olena')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('log').getByText('Вітаю! ТТН 20450000000017. Olena')).toBeVisible()

  await page.getByRole('button', { name: 'Saved replies' }).click()
  await expect(option).toHaveCount(1)
  await page.keyboard.press('Escape')
  await expect(option).toHaveCount(0)
  await expect(area).toBeFocused()
  await expect(area).toHaveValue('/')
  await area.fill('')
})

test('the list shows one tag or topic, and says so', async ({ signedIn: page, opeka }) => {
  await opeka.api('PUT', `/conversations/${ids['Питання 2']}/tags`, { tags: ['vip'] })
  await opeka.api('PUT', `/conversations/${ids['Питання 3']}/topic`, { topic: 'Доставка' })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/')
  const rows = page.getByRole('listbox').getByRole('option')
  await expect(rows).toHaveCount(4)
  await page.getByRole('button', { name: 'Order and filter' }).click()
  await page.getByRole('menuitem', { name: 'By tag…' }).click()
  await page.getByRole('option', { name: 'vip', exact: true }).click()
  await expect(rows).toHaveCount(1)
  await expect(rows).toContainText('Питання 2')
  await stands(page)
  await page.getByRole('link', { name: 'Remove the filter “vip”' }).click()
  await expect(rows).toHaveCount(4)
  await page.getByRole('button', { name: 'Order and filter' }).click()
  await page.getByRole('menuitem', { name: 'By topic…' }).click()
  await page.getByRole('option', { name: 'Доставка', exact: true }).click()
  await expect(rows).toHaveCount(1)
  await expect(rows).toContainText('Питання 3')
  await page.reload()
  await expect(rows).toHaveCount(1)
})

test('several are chosen, closed together, and come back', async ({ signedIn: page, opeka }) => {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/')
  const rows = page.getByRole('listbox').getByRole('option')
  await expect(rows).toHaveCount(4)
  await page.getByRole('button', { name: 'Select several' }).click()
  await rows.filter({ hasText: 'Питання 4' }).click()
  await rows.filter({ hasText: 'Питання 2' }).click({ modifiers: ['Shift'] })
  const bar = page.getByRole('toolbar', { name: 'Several conversations' })
  await expect(bar).toContainText('3 chosen')
  await stands(page)
  const closed = async () => (await opeka.api('GET', '/conversations?view=resolved&limit=100')).items.length
  const before = await closed()
  await bar.getByRole('button', { name: 'Close', exact: true }).click()
  await expect(page.getByText('3 conversations closed')).toBeVisible()
  await page.getByText('3 conversations closed').locator('..').dispatchEvent('pointerenter') // it stays for as long as somebody looks at it
  await expect(rows).toHaveCount(1)
  await expect.poll(closed).toBe(before + 3)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(rows).toHaveCount(4)
  await expect.poll(async () => (await opeka.api('GET', '/conversations?view=open')).items.length).toBe(4)

  await rows.filter({ hasText: 'Питання 4' }).click({ modifiers: ['Control'] })
  await rows.filter({ hasText: 'Питання 3' }).click({ modifiers: ['Control'] })
  await bar.getByRole('button', { name: 'Tags' }).click()
  await page.getByRole('combobox').fill('терміново')
  await page.keyboard.press('Enter')
  await expect(page.getByText('2 conversations tagged “терміново”')).toBeVisible()
  await expect(rows.filter({ hasText: 'терміново' })).toHaveCount(2)
  expect((await opeka.api('GET', `/conversations?tag=${encodeURIComponent('терміново')}`)).items).toHaveLength(2)
})

test('a thread of hundreds opens at its end and scrolls to its beginning', async ({ signedIn: page, opeka }) => {
  test.setTimeout(120_000)
  const id = ids['Питання 4']
  for (let n = 1; n <= 400; n++)
    await opeka.api('POST', `/conversations/${id}/messages`, { kind: 'note', body: `Нотатка ${n}`, client_id: randomUUID() })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${opeka.url}/app/inbox/open/${id}`)
  const log = page.getByRole('log')
  await expect(log.getByText('Нотатка 400', { exact: true })).toBeInViewport()
  const shown = () => log.locator('[data-seq]').count()
  expect(await shown()).toBeLessThanOrEqual(60)
  for (let n = 0; n < 40 && !(await log.getByText('Питання 4', { exact: true }).count()); n++) {
    const before = await shown()
    await log.evaluate((box) => (box.scrollTop = 0))
    await expect.poll(shown).toBeGreaterThan(before)
  }
  await log.evaluate((box) => (box.scrollTop = 0))
  await expect(log.getByText('Питання 4', { exact: true })).toBeInViewport()
  // Where one reads stays put while something new comes.
  await opeka.api('POST', `/conversations/${id}/messages`, { kind: 'note', body: 'Щойно', client_id: randomUUID() })
  await page.getByRole('button', { name: 'New messages' }).click()
  await expect(log.getByText('Щойно', { exact: true })).toBeInViewport()
  await expect.poll(shown).toBeLessThanOrEqual(62)
})

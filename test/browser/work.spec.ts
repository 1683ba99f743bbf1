import { randomUUID } from 'node:crypto'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// A question from a conversation to the warehouse, and its answer by somebody who has nothing but the link.

async function chat(opeka: Opeka, body: string) {
  const send = async (path: string, token: string, data: unknown) => {
    const answer = await fetch(`${opeka.url}/widget/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(data),
    })
    expect(answer.status).toBeLessThan(300)
    return answer.json()
  }
  const { token } = await send('/session', '', { store: opeka.store.slug, language: 'uk' })
  await send('/messages', token, { client_id: randomUUID(), body })
}

test('the warehouse answers a question by link, and the agent reads it in the conversation', async ({ signedIn: page, opeka, browser }) => {
  const warehouse = await opeka.api('POST', '/departments', { store_id: opeka.store.id, name: 'Warehouse ' + randomUUID().slice(0, 4) })
  const words = 'Чи є ліхтар на полиці? ' + randomUUID().slice(0, 6)
  await chat(opeka, words)
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/')
  await page.getByRole('option', { name: words }).click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Ask a department…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Ask a department' })
  await dialog.getByLabel('Department').selectOption({ label: warehouse.name })
  await dialog.getByLabel('Question').fill('Скільки ліхтарів на полиці?')
  await accessible(page)
  await dialog.getByRole('button', { name: 'Ask', exact: true }).click()
  await expect(dialog).toBeHidden()
  await expect(page.getByRole('log').getByText(`Asked ${warehouse.name}: Скільки ліхтарів на полиці?`)).toBeVisible()

  const open = (await opeka.api('GET', `/inquiries?department_id=${warehouse.id}`)).items
  expect(open).toHaveLength(1)
  const stranger = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const portal = await stranger.newPage()
  await portal.goto(opeka.url + new URL(open[0].link).pathname)
  await expect(portal.getByRole('heading', { name: 'Скільки ліхтарів на полиці?' })).toBeVisible()
  await accessible(portal)
  await portal.getByRole('radio').first().check()
  await portal.locator('input[name=quantity]').fill('5')
  await portal.locator('button').click()
  await expect(portal.getByRole('status')).toBeVisible()
  await stranger.close()

  await expect(page.getByRole('log').getByText(`${warehouse.name}: it is there, 5 pcs.`)).toBeVisible()
})

for (const look of looks) {
  test(`questions to departments, ${look.name}`, async ({ signedIn: page, opeka }) => {
    const department = await opeka.api('POST', '/departments', { store_id: opeka.store.id, name: 'Accounts ' + randomUUID().slice(0, 4) })
    await opeka.api('POST', '/inquiries', { store_id: opeka.store.id, department_id: department.id, question: 'Чи надійшла оплата за рахунком?' })
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/work')
    const card = page.getByRole('article').filter({ hasText: department.name })
    await card.getByRole('button', { name: 'Answer', exact: true }).click()
    await card.getByRole('radio', { name: 'Not now, but on a day' }).check()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await card.getByLabel('On which day').fill('2027-01-15')
    await card.getByRole('button', { name: 'Send the answer' }).click()
    await expect(card).toBeHidden()
    await page.getByRole('tab', { name: 'Answered' }).click()
    await expect(page.getByRole('article').filter({ hasText: department.name }).getByText('2027-01-15')).toBeVisible()
  })
}

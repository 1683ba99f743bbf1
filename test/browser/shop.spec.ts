import type { Page } from '@playwright/test'
import { accessible, expect, looks, openWoo, test, type Opeka, type Woo } from './world.ts'

// A WooCommerce shop is connected in the console, and an agent has it do things with its orders.
let woo: Woo
let connected = 0

test.beforeAll(async () => {
  woo = await openWoo()
})
test.afterAll(async () => {
  await woo.end()
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

async function orderPage(page: Page, opeka: Opeka, number: number): Promise<number> {
  const find = async () => (await opeka.api('GET', `/find?q=${number}`)).items.find((x: { kind: string; title: string }) => x.kind === 'order' && x.title.includes(String(number)))?.id ?? 0
  await expect.poll(find).toBeGreaterThan(0)
  const id = await find()
  await page.goto(`${opeka.url}/app/orders/${id}`)
  await expect(page.getByRole('heading', { level: 1, name: `Order ${number}` })).toBeVisible()
  return id
}

test('the wizard connects a WooCommerce shop, whose orders appear', async ({ signedIn: page, opeka }) => {
  await page.goto(opeka.url + '/app/settings/connections/new')
  await page.getByRole('button', { name: /WooCommerce/ }).click()
  await page.getByLabel('Address of the shop').fill(woo.url + '/wp-admin/')
  await page.getByLabel('Consumer key').fill(woo.key)
  await page.getByLabel('Consumer secret').fill('cs_wrong')
  await page.getByRole('button', { name: 'Test' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByLabel('Consumer secret').fill(woo.secret)
  await page.getByRole('button', { name: 'Test' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'reached' }).or(page.getByText('Shop & Co'))).toBeVisible()
  await expect(page.getByText('10.3.6')).toBeVisible()
  await stands(page)
  await page.getByRole('button', { name: /Start/ }).click()
  await expect(page).toHaveURL(/settings\/connections\/\d+$/)
  connected = Number(page.url().split('/').pop())
  await orderPage(page, opeka, woo.orders[0])
  await expect(page.getByText('Ліхтар «Зоря»').first()).toBeVisible()
  expect((await opeka.api('GET', `/connections/${connected}`)).secrets_set).toBeTruthy()
})

test('an agent cancels an order, by keyboard, and sees it cancelled', async ({ signedIn: page, opeka }) => {
  await orderPage(page, opeka, woo.orders[0])
  const cancel = page.getByRole('button', { name: 'Cancel the order' })
  await cancel.focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText(`cancel order ${woo.orders[0]}`)
  await stands(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  await expect(cancel).toBeFocused()
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Cancel the order' }).press('Enter')
  await expect(dialog).toBeHidden()
  const asked = page.getByRole('list', { name: 'Asked of the shop' })
  await expect(asked.getByText('Done')).toBeVisible()
  await expect(page.getByRole('banner').or(page.locator('header')).getByText('Cancelled').first()).toBeVisible()
  await expect(cancel).toBeHidden()
})

test('money is given back for one of two pieces, and a refusal is told in the shop’s words', async ({ signedIn: page, opeka }) => {
  const id = await orderPage(page, opeka, woo.orders[1])
  await page.getByRole('button', { name: 'Refund' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: 'By lines' }).check()
  await dialog.getByLabel('Ліхтар «Зоря»: pieces to refund').selectOption('1')
  await dialog.getByLabel('Put the pieces back in stock').check()
  await dialog.getByLabel('Reason').fill('Розбите скло')
  await stands(page)
  await dialog.getByRole('button', { name: /Refund .*1,190/ }).click()
  const asked = page.getByRole('list', { name: 'Asked of the shop' })
  await expect(asked.getByText('Done')).toBeVisible()
  await expect(page.getByText(/Розбите скло/)).toBeVisible()
  expect((await opeka.api('GET', `/orders/${id}`)).payment_state).toBe('partially_refunded')

  await page.getByRole('button', { name: 'Refund' }).click()
  await dialog.getByRole('radio', { name: 'An amount' }).check()
  await dialog.getByLabel('Amount, UAH').fill('5000')
  await dialog.getByRole('button', { name: /^Refund/ }).click()
  await expect(dialog.getByText(/from .*0.01 to .*1,190/)).toBeVisible()
  await dialog.getByLabel('Amount, UAH').fill('10,50')
  await dialog.getByLabel(/Send the money back/).check()
  await dialog.getByRole('button', { name: /^Refund/ }).click()
  await expect(asked.getByText('The payment gateway for this order does not exist.')).toBeVisible()
})

test('a note and a status go through the menu', async ({ signedIn: page, opeka }) => {
  await orderPage(page, opeka, woo.orders[2])
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'More actions on the order' }).click()
  await page.getByRole('menuitem', { name: 'Note to the order' }).click()
  await dialog.getByLabel('Text').fill('Подзвонити за годину до доставки')
  await dialog.getByLabel('For the customer too').check()
  await dialog.getByRole('button', { name: 'Save the note' }).click()
  await expect(page.getByText('Подзвонити за годину до доставки')).toBeVisible()
  await page.getByRole('button', { name: 'More actions on the order' }).click()
  await page.getByRole('menuitem', { name: 'Change status' }).click()
  await dialog.getByLabel('New status').selectOption('completed')
  await dialog.getByRole('button', { name: 'Change' }).click()
  await expect(page.getByText('In the shop: completed')).toBeVisible()
})

test('who may only look has no buttons', async ({ page, opeka }) => {
  const { invitation } = await opeka.api('POST', '/agents', { name: 'Client', email: 'client@shop.test', language: 'en', memberships: [{ store_id: opeka.store.id, role: 'client' }] })
  await page.goto(new URL(invitation.url, opeka.url).href)
  await page.getByLabel('Password').fill('a long enough pass-phrase')
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('navigation', { name: 'Main navigation' }).first()).toBeVisible()
  await orderPage(page, opeka, woo.orders[2])
  await expect(page.getByText('In the shop: completed')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Refund' })).toBeHidden()
  await expect(page.getByRole('button', { name: 'More actions on the order' })).toBeHidden()
})

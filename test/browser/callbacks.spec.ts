import { randomUUID } from 'node:crypto'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// A callback that an agent makes, finds on the board, moves to the next day and cancels; and the board in its four looks.

const number = () => '+38067' + String(Math.floor(1e6 + Math.random() * 8_999_999))

async function customer(opeka: Opeka) {
  const name = 'Ірина ' + randomUUID().slice(0, 6)
  return opeka.api('POST', '/customers', { store_id: opeka.store.id, name, contacts: [{ kind: 'phone', value: number() }] })
}

test('an agent has a customer rung, moves the call to the next day and cancels it', async ({ signedIn: page, opeka }) => {
  const made = await customer(opeka)
  const { id, name } = made.customer ?? made
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${opeka.url}/app/customers/${id}`)
  await page.getByRole('button', { name: 'Call back…' }).click()
  const dialog = page.getByRole('dialog', { name: `Call back: ${name}` })
  await expect(dialog.getByLabel('Phone number')).toHaveValue(/^\+38067/)
  await dialog.getByLabel('Note').fill('Питання про доставку')
  await accessible(page)
  await dialog.getByRole('button', { name: 'Have the customer rung' }).click()
  await expect(dialog).toBeHidden()

  await page.keyboard.press('g')
  await page.keyboard.press('b')
  await expect(page).toHaveURL(/\/app\/callbacks$/)
  const card = page.getByRole('article', { name })
  await expect(card.getByText('Питання про доставку')).toBeVisible()
  await card.getByRole('button', { name: 'Move' }).click()
  const move = page.getByRole('dialog', { name: 'Not now: when to ring?' })
  await move.getByRole('button', { name: 'Tomorrow 10:00' }).click()
  await accessible(page)
  await move.getByRole('button', { name: 'Move', exact: true }).click()
  const waiting = page.getByRole('region', { name: 'Waiting' })
  await expect(waiting.getByRole('article', { name })).toBeVisible()

  await waiting.getByRole('button', { name: `More: ${name}` }).click()
  await page.getByRole('menuitem', { name: 'History' }).click()
  const history = page.getByRole('dialog')
  await expect(history.getByText('Moved to another time')).toBeVisible()
  await accessible(page)
  await history.getByRole('button', { name: 'Close' }).click()

  await waiting.getByRole('button', { name: `More: ${name}` }).click()
  await page.getByRole('menuitem', { name: 'Cancel the callback' }).click()
  const cancel = page.getByRole('dialog', { name: 'Cancel the callback' })
  await cancel.getByLabel('Why it isn’t needed any more').fill('Уже написав у чат')
  await cancel.getByRole('button', { name: 'Cancel the callback' }).click()
  await expect(page.getByRole('region', { name: 'Done' }).getByRole('article', { name }).getByText('Уже написав у чат')).toBeVisible()
  await expect(waiting.getByRole('article', { name })).toBeHidden()
})

for (const look of looks) {
  test(`the board of callbacks, ${look.name}`, async ({ signedIn: page, opeka }) => {
    const made = await customer(opeka)
    const { id, name } = made.customer ?? made
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/callbacks')
    const narrow = look.width < 768
    await expect(page.getByRole('heading', { name: 'Callbacks', exact: true })).toBeVisible()
    if (narrow) await page.getByRole('tab', { name: 'Waiting' }).click()
    // Made elsewhere, it appears by itself.
    await opeka.api('POST', '/callbacks', { store_id: opeka.store.id, customer_id: id, at: new Date(Date.now() + 48 * 3600_000).toISOString(), note: 'Дізнатися про розмір' })
    await expect(page.getByRole('article', { name }).getByText('Дізнатися про розмір')).toBeVisible()
    const ready = page.getByRole('switch', { name: 'Ready for calls' })
    await ready.click()
    await expect(ready).toBeChecked()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await ready.click()
    await expect(ready).not.toBeChecked()
  })
}

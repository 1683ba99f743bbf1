import { accessible, expect, looks, test } from './world.ts'
import { openNumber, type Number } from './whatsapp.ts'


// Whoever hasn't written lately is reached on WhatsApp by approved messages alone.
let number: Number
test.beforeAll(async ({ opeka }) => {
  number = await openNumber()
  await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'whatsapp', name: 'WhatsApp', settings: number.settings })
})
test.afterAll(() => number.end())

test('an approved message is chosen, filled, seen as it will be read, and sent', async ({ signedIn: page, opeka }) => {
  await page.setViewportSize({ width: 1440, height: 900 })
  const { id } = await opeka.api('POST', '/customers', { store_id: opeka.store.id, name: 'Anna Nowak', contacts: [{ kind: 'phone', value: '+380671112244' }] })
  await page.goto(`${opeka.url}/app/customers/${id}`)
  await page.getByRole('button', { name: 'Write', exact: true }).click()
  let dialog = page.getByRole('dialog', { name: 'Write to Anna Nowak' })
  await expect(dialog.getByLabel('Message')).toHaveValue('0')
  // The name is known and stands there; where the order waits is for the agent to say.
  const preview = dialog.getByRole('region', { name: 'As the customer will read it' })
  await expect(preview).toContainText('Hello Anna, your order waits at {{where}}.')
  const send = dialog.getByRole('button', { name: 'Send' })
  await expect(send).toBeDisabled()
  await dialog.getByLabel('In place where: Own words').fill('Green St 7')
  await expect(preview).toContainText('Hello Anna, your order waits at Green St 7.')
  for (const look of [looks[0]!, looks[3]!]) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), look.name).toBe(true)
    if (process.env.OPEKA_PICTURES) await page.screenshot({ path: `${process.env.OPEKA_PICTURES}-template-${look.name.replace(' ', '-')}.png` })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1440, height: 900 })
  await send.click()
  const log = page.getByRole('log')
  await expect(log.getByText('Hello Anna, your order waits at Green St 7.')).toBeVisible()
  await expect.poll(() => number.sent.length).toBe(1)
  expect(number.sent[0]).toEqual({ to: '380671112244', template: 'order_ready', params: ['Anna', 'Green St 7'] })

  // She hasn't answered: the composer says so and offers the same again.
  await expect(page.getByText('only a message that the service has approved reaches him here')).toBeVisible()
  await page.getByRole('textbox', { name: 'Reply' }).fill('Free words')
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled()
  await page.getByRole('button', { name: 'Choose an approved message' }).click()
  dialog = page.getByRole('dialog', { name: 'Approved message to Anna Nowak' })
  await dialog.getByLabel('In place where: Own words').fill('Blue St 9')
  await accessible(page)
  await dialog.getByRole('button', { name: 'Send' }).click()
  await expect(dialog).toBeHidden()
  await expect(log.getByText('Hello Anna, your order waits at Blue St 9.')).toBeVisible()
  await expect.poll(() => number.sent.length).toBe(2)
  await expect(log.getByText('Sent', { exact: true })).toBeVisible()
})

import { accessible, expect, looks, test } from './world.ts'

// Customers as agents keep them: made by hand, put right, found to be one person, and taken apart again.

test('an agent makes a customer, puts his contacts right and merges whom he knows twice', async ({ signedIn: page, opeka }) => {
  const other = await opeka.api('POST', '/customers', {
    store_id: opeka.store.id, name: 'Соломія Двічі', contacts: [{ kind: 'email', value: 'solomia.old@example.com' }],
  })
  await page.goto(`${opeka.url}/app/customers`)
  const everybody = page.getByRole('list', { name: 'Customers' })
  await expect(everybody.getByRole('link', { name: /Соломія Двічі.*solomia\.old@example\.com/s })).toBeVisible()

  await page.getByRole('button', { name: 'New customer' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Соломія Нова')
  await dialog.getByLabel('Phone').fill('12')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByRole('alert')).toBeVisible()
  await dialog.getByLabel('Phone').fill('+380 67 555 01 02')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Соломія Нова' })).toBeVisible()

  const contact = page.getByLabel('New phone number or email')
  await contact.fill('solomia@example')
  await contact.press('Enter')
  const known = page.getByRole('list', { name: 'Known as' })
  await expect(known.getByText('solomia@example')).toBeVisible()
  await page.getByRole('button', { name: 'Remove solomia@example' }).click()
  await expect(known.getByText('solomia@example')).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(known.getByText('solomia@example')).toBeVisible()

  await page.getByLabel('Not to be disturbed from').fill('21:00')
  await page.getByLabel('Not to be disturbed until').fill('09:30')
  await page.getByLabel('Not to be disturbed until').blur()
  await expect.poll(async () => (await opeka.api('GET', `/customers/${id(page.url())}`)).customer.consent.quiet_to).toBe('09:30')

  await page.getByLabel('Find who else this is').fill('Соломія Двічі')
  await page.getByRole('button', { name: 'Merge' }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Merge' }).click()
  await expect(known.getByText('solomia.old@example.com')).toBeVisible()
  await page.getByRole('button', { name: 'Take apart' }).click()
  await expect(known.getByText('solomia.old@example.com')).toHaveCount(0)
  expect((await opeka.api('GET', `/customers/${other.id}`)).customer.name).toBe('Соломія Двічі')
})

for (const look of looks) {
  test(`the lists of customers and goods keep to the rules, ${look.name}`, async ({ signedIn: page, opeka }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    for (const path of ['customers', 'stock']) {
      await page.goto(`${opeka.url}/app/${path}`)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      await accessible(page)
    }
  })
}

const id = (url: string) => Number(new URL(url).pathname.split('/').pop())

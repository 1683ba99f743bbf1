import { accessible, expect, looks, test } from './world.ts'

test('an administrator says whom the store rings, tries a number, and puts the trunks in order by the keyboard', async ({ signedIn: page, opeka }) => {
  test.setTimeout(240_000)
  for (const name of ['Провайдер', 'Запасний']) await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'sip', name, settings: { mode: 'ip', server: '127.0.0.1:9', keepalive: 0 } })
  await page.goto(opeka.url + '/app/settings/outgoing')
  await expect(page.getByRole('radio', { name: 'The store’s own country' })).toBeChecked()
  await expect(page.getByText('By its numbers and its time zone: Ukraine.')).toBeVisible()

  const number = page.getByLabel('Try a number')
  await number.fill('+48 501 234 567')
  await number.press('Enter')
  await expect(page.getByText('Its country isn’t allowed.')).toBeVisible()
  await page.getByRole('button', { name: 'Allow +48' }).click()
  await expect(page.getByRole('radio', { name: 'These countries and numbers' })).toBeChecked()
  await expect(page.getByText('+380 Ukraine')).toBeVisible()
  await expect(page.getByText('+48 Poland')).toBeVisible()
  await number.press('Enter')
  await expect(page.getByText('It would be rung.')).toBeVisible()

  // A beginning that no country has to itself is typed.
  await page.getByRole('group', { name: 'Never, even so' }).getByRole('button', { name: 'Add' }).click()
  const find = page.getByRole('dialog', { name: 'Country, or beginning like +48' })
  await accessible(page)
  await find.getByRole('combobox').fill('+4850')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  await expect(page.getByText('+4850 Poland')).toBeVisible()
  await number.press('Enter')
  await expect(page.getByText('The list of the forbidden has it.')).toBeVisible()

  const trunks = page.getByRole('list', { name: 'Trunks' })
  await expect(trunks.getByRole('listitem').first()).toContainText('Провайдер')
  await trunks.getByRole('button', { name: 'Move Запасний up' }).focus()
  await page.keyboard.press('Enter')
  await expect(trunks.getByRole('listitem').first()).toContainText('Запасний')
  await expect(trunks.getByRole('button', { name: 'Move Запасний down' })).toBeFocused()
  await expect(page.getByText('Запасний: now 1 of 2')).toBeAttached()

  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  }
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved').first()).toBeVisible()
  await page.reload()
  await expect(page.getByText('+4850 Poland')).toBeVisible()
  await expect(trunks.getByRole('listitem').first()).toContainText('Запасний')
  const { policy } = await opeka.api('GET', `/stores/${opeka.store.id}/callback-rules`)
  expect(policy.dialling).toMatchObject({ allowed_prefixes: ['+380', '+48'], denied_prefixes: ['+4850'] })
})

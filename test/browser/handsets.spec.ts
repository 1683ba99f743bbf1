import { openTown, type Town } from './town.ts'
import { accessible, expect, looks, test } from './world.ts'

// A SIP telephone of an agent's own: an administrator makes it, it registers, its agent takes his calls at it, and it is taken away again.

test.describe.configure({ mode: 'serial' })

let town: Town
test.beforeAll(async ({ opeka }) => {
  town = await openTown(opeka)
})
test.afterAll(async ({ opeka }) => {
  await opeka.api('PUT', '/phone/me', { reachable: false })
  await town.end()
})

const handsetHz = 1450

test('an administrator makes a telephone, its agent takes calls at it, and it is removed', async ({ signedIn: page, opeka }) => {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/settings/handsets')
  await expect(page.getByText('No SIP telephones yet')).toBeVisible()
  await page.getByRole('button', { name: 'Add a telephone' }).click()
  await page.getByLabel('Whose').selectOption({ label: 'Olena' })
  await page.getByLabel('Which telephone it is').fill('Desk')
  await page.getByRole('button', { name: 'Make its password' }).click()
  const told = page.getByRole('status').filter({ hasText: 'Set up “Desk” with this' })
  const value = (label: string) => told.locator('dt', { hasText: label }).locator('xpath=following-sibling::dd').locator('code')
  await expect(value('Server, by UDP')).toHaveText(/^127\.0\.0\.1:\d+$/)
  const name = (await value('User name').textContent())!
  const password = (await value('Password').textContent())!
  expect(password).toMatch(/^[a-z2-7]{32}$/)
  await expect(told.getByText('The program listens on its own machine only')).toBeVisible()
  await accessible(page)

  const row = page.getByRole('list', { name: 'Telephones' }).getByRole('listitem')
  await expect(row).toContainText('Not registered')
  await expect(row).toContainText('hasn’t registered yet')
  const set = await town.handset((await value('Server, by UDP').textContent())!, name, password, handsetHz)
  await expect(row).toContainText('there since')
  await told.getByRole('button', { name: 'I have noted it' }).click()
  await expect(page.getByText(password)).toHaveCount(0)

  await page.goto(opeka.url + '/app/settings/my-phone')
  const browser = page.getByRole('radio', { name: 'In the browser' })
  await expect(browser).toBeChecked()
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('radio', { name: `Desk (${name})` }).check()
  await expect.poll(async () => (await opeka.api('GET', '/phone/me')).device).toBe(name)

  await opeka.api('PUT', '/me/presence', { state: 'ready' })
  await page.goto(opeka.url + '/app/callbacks')
  await page.getByRole('switch', { name: 'Ready for calls' }).click()
  await expect(page.getByRole('switch', { name: 'Ready for calls' })).toBeChecked()
  await expect(page.getByRole('link', { name: `at telephone ${name}` })).toBeVisible()

  // It rings at the telephone, and the console shows who it is.
  const olena = await town.person('+380673000001', 650)
  const line = await olena.call()
  const ring = await set.rung()
  await expect(page.getByRole('region', { name: 'A call for you' })).toBeVisible()
  await ring.answer()
  await expect(page.getByRole('region', { name: 'Call', exact: true }).getByRole('button', { name: 'Hang up' })).toBeVisible()
  await line.hears(handsetHz)
  await ring.hears(650)
  await ring.hangUp()
  await line.over()
  const after = page.getByRole('region', { name: 'After the call' })
  await after.getByRole('radio', { name: 'Settled' }).check()
  await after.getByRole('button', { name: 'Finish' }).click()
  await expect(after).toBeHidden()

  // Whose telephone is taken away is off the telephone, and comes back to it by his browser.
  await page.goto(opeka.url + '/app/settings/my-phone')
  await expect(page.getByRole('radio', { name: `Desk (${name})` })).toBeChecked()
  await page.getByRole('button', { name: 'Remove' }).click()
  const question = page.getByRole('dialog', { name: 'Remove “Desk”?' })
  await accessible(page)
  await question.getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByText('No SIP telephones yet')).toBeVisible()
  await expect(page.getByRole('radio', { name: 'In the browser' })).toBeChecked()
  expect((await opeka.api('GET', '/handsets')).items).toEqual([])
  expect(await opeka.api('GET', '/phone/me')).toMatchObject({ reachable: false, device: '', reason: 'handset_gone' })
})

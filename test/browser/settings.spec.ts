import { accessible, expect, test, type Opeka } from './world.ts'

test('a store, a queue and an agent are set up', async ({ signedIn: page, opeka }) => {
  await page.goto(opeka.url + '/app/settings/stores/new')
  await page.getByLabel('Name', { exact: true }).fill('Second shop')
  await page.getByRole('button', { name: 'Create the store' }).click()
  await expect(page.getByRole('heading', { name: 'Second shop' })).toBeVisible()

  await page.goto(opeka.url + '/app/settings/queues/new')
  await page.getByLabel('Name', { exact: true }).fill('Returns')
  await page.getByRole('checkbox', { name: 'Chat' }).check()
  await page.getByLabel('First answer within, minutes').fill('5')
  await page.getByRole('button', { name: 'Create the queue' }).click()
  await expect(page.getByRole('link', { name: /Returns/ })).toContainText('answer within 5 minutes')

  await page.goto(opeka.url + '/app/settings/agents/new')
  await page.getByLabel('Name', { exact: true }).fill('Taras')
  await page.getByRole('textbox', { name: 'Email' }).fill('not an address@x')
  await page.getByRole('button', { name: 'Make the invitation' }).click()
  await page.getByRole('textbox', { name: 'Email' }).fill('taras@shop.test')
  await page.getByRole('button', { name: 'Make the invitation' }).click()
  await expect(page.getByRole('heading', { name: 'Invitation for Taras' })).toBeVisible()
  await accessible(page)
})

test('an invitation leads to a password and to the desk', async ({ page, opeka }) => {
  const { invitation } = await opeka.api('POST', '/agents', {
    name: 'Lesia',
    email: 'lesia@shop.test',
    language: 'en',
    memberships: [{ store_id: opeka.store.id, role: 'agent' }],
  })
  await page.goto(new URL(invitation.url, opeka.url).href)
  await expect(page.getByRole('heading', { name: 'Welcome, Lesia' })).toBeVisible()
  await page.getByLabel('Password').fill('a long enough pass-phrase')
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('navigation', { name: 'Main navigation' }).first()).toBeVisible()
})

/** The week as a store begins: other tests of the same program may have opened it around the clock. */
const weekdays = (opeka: Opeka) => {
  const hours = [{ from: '09:00', to: '18:00' }]
  return opeka.api('PATCH', `/stores/${opeka.store.id}`, { calendar: { zone: 'Europe/Kyiv', week: { mon: hours, tue: hours, wed: hours, thu: hours, fri: hours } } })
}

test('opening hours are changed, and changes are not left behind unasked', async ({ signedIn: page, opeka }) => {
  await weekdays(opeka)
  await page.goto(opeka.url + '/app/settings/hours')
  await page.getByRole('button', { name: 'Add hours: Saturday' }).click()
  await page.getByRole('link', { name: 'Topics' }).click()
  await expect(page.getByRole('dialog', { name: 'Leave without saving?' })).toBeVisible()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Saved', { exact: true })).toBeVisible()
  const store = await opeka.api('GET', `/stores/${opeka.store.id}`)
  expect(store.calendar.week.sat).toEqual([{ from: '09:00', to: '18:00' }])
})

test('on a phone no word about what was done covers what is to be pressed next', async ({ signedIn: page, opeka }) => {
  await weekdays(opeka)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(opeka.url + '/app/settings/hours')
  const hours = page.getByRole('button', { name: 'Add hours: Sunday' })
  await hours.click()
  const save = page.getByRole('button', { name: 'Save', exact: true })
  await save.click()
  const word = page.getByText('Saved', { exact: true })
  await expect(word).toBeVisible()
  await word.locator('..').dispatchEvent('pointerenter') // it stays for as long as somebody looks at it
  await hours.click()
  await expect(save).toBeVisible()
  await expect
    .poll(async () => {
      const [above, below] = [await word.locator('..').boundingBox(), await save.boundingBox()]
      return above!.y + above!.height <= below!.y
    })
    .toBe(true)
  await save.click()
  await expect(save).toBeHidden()
})

test('an API key is shown once', async ({ signedIn: page, opeka }) => {
  await page.goto(opeka.url + '/app/settings/api-keys')
  await page.getByRole('button', { name: 'Make a key' }).first().click()
  await page.getByLabel('Name', { exact: true }).fill('Warehouse sync')
  await page.getByRole('checkbox', { name: 'Send the shop’s data' }).check()
  await page.getByRole('button', { name: 'Make the key' }).click()
  await expect(page.getByRole('heading', { name: 'Key “Warehouse sync”' })).toBeVisible()
  await expect(page.getByText(/^ok_/).first()).toBeVisible()
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByRole('listitem').filter({ hasText: 'Warehouse sync' })).toBeVisible()
})

test('the wizard says why a shop cannot be reached', async ({ signedIn: page, opeka }) => {
  await page.goto(opeka.url + '/app/settings/connections/new')
  await page.getByRole('button', { name: /WooCommerce/ }).click()
  await page.getByLabel('Address of the shop').fill('http://127.0.0.1:9')
  await page.getByLabel('Consumer key').fill('ck_1')
  await page.getByLabel('Consumer secret').fill('cs_1')
  await page.getByRole('button', { name: 'Test' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page).toHaveURL(/settings\/connections$/)
  const left = async () => (await opeka.api('GET', '/connections')).items.filter((c: { plug: string }) => c.plug === 'woocommerce').length
  await expect.poll(left).toBe(0)
})

for (const section of ['start', 'hours', 'widget', 'queues', 'agents', 'roles', 'connections', 'audit', 'jobs'])
  test(`${section} stands in dark and narrow`, async ({ signedIn: page, opeka }) => {
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(opeka.url + '/app/settings/' + section)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  })

import { createHmac, randomUUID } from 'node:crypto'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// What customers are told: its words, its policy, its log.

// Four looks of long screens under axe take their time on a machine that does other things too.

for (const look of looks)
  test(`the words of a notice are written, checked, tried and taken back, ${look.name}`, async ({ signedIn: page, opeka }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/words')
    await expect(page.getByRole('heading', { name: 'Words of notices', level: 1 })).toBeVisible()
    await expect(page.getByRole('link', { name: /^Українська/ }).first()).toBeVisible()
    await accessible(page)

    await page.goto(opeka.url + '/app/settings/words/at_pickup_point?lang=en')
    const preview = page.getByRole('region', { name: 'How it looks' })
    await expect(preview.getByText('Anna', { exact: false }).first()).toBeVisible()
    await expect(preview.getByText(/SMS part/).first()).toBeVisible()

    // A variable that nobody fills in is an error at its place, while writing.
    const body = page.getByRole('textbox', { name: 'Letter' })
    const before = await body.inputValue()
    await body.fill(before + '\n\n{{ order.nomer }}')
    const alert = page.getByRole('alert').filter({ hasText: 'order.nomer' })
    await expect(alert).toContainText(/Line \d+, column 4/)
    await accessible(page)
    await alert.getByRole('button', { name: 'Show the place' }).click()
    expect(await body.evaluate((el: HTMLTextAreaElement) => el.value.slice(el.selectionStart, el.selectionEnd))).toBe('order.nomer')

    // A variable from the list goes where one was writing.
    await page.locator('summary', { hasText: 'What can be filled in' }).click()
    await page.getByLabel('Find what to insert').fill('order number')
    await page.getByRole('button', { name: 'Insert “Order number”' }).click()
    await expect(body).toHaveValue(/\{\{ \{\{ order\.number \}\} \}\}$/)
    await body.fill(before + '\n\nSee you, {{ store.name }}')
    await expect(preview.getByText('See you, Карпати')).toBeVisible()

    await page.getByRole('button', { name: 'Own words for a channel' }).click()
    await page.getByRole('menuitem', { name: 'Telegram' }).click()
    await page.getByLabel('Own words for Telegram').fill('Come and fetch {{ order.number }}')
    await expect(preview.getByText('Come and fetch 10482')).toBeVisible()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await expect(page.getByText('The words are saved')).toBeVisible()
    await expect(page.getByText('Your words', { exact: true })).toBeVisible()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)

    // An earlier state shows what it would change, and comes back into the form.
    await page.getByRole('button', { name: 'Versions' }).click()
    const dialog = page.getByRole('dialog', { name: 'Versions' })
    await dialog.getByRole('button', { name: 'The shipped words', exact: true }).click()
    await expect(dialog.getByText('See you, {{ store.name }}')).toBeVisible()
    await accessible(page)
    await dialog.getByRole('button', { name: 'Take into the form' }).click()
    await expect(body).toHaveValue(before)
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.getByRole('button', { name: 'Back to the shipped words' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Back to the shipped words' }).click()
    await expect(page.getByText('Shipped words', { exact: true })).toBeVisible()
  })

for (const look of looks)
  test(`the policy is edited, tried and put in force, ${look.name}`, async ({ signedIn: page, opeka }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/notices')
    const life = page.getByRole('region', { name: 'When all is well' })
    await expect(life.getByText('Order placed', { exact: true })).toBeVisible()
    await accessible(page)

    // A condition is checked and said in words while it is written.
    const row = life.getByRole('listitem').filter({ has: page.getByRole('switch', { name: 'Order placed' }) })
    await row.locator('summary', { hasText: 'Details' }).first().click()
    await row.getByLabel('Only if').fill('order.total >\n order.nomer')
    await expect(row.getByRole('alert')).toContainText('Line 2')
    await row.getByLabel('Only if').fill('order.total > 1000 && order.pickup')
    await expect(row.getByRole('status')).toHaveText('In words: order total is more than 1000 and fetched by the customer: yes')
    await row.getByRole('button', { name: 'Add a channel' }).click()
    await page.getByRole('menuitem', { name: 'SMS' }).click()
    await row.getByRole('button', { name: 'SMS: earlier' }).click()
    await expect(row.getByText('SMS → Email')).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)

    // What would be withheld and what would be sent otherwise, beside what is sent now.
    await page.getByRole('button', { name: 'Try it on a case' }).click()
    const trial = page.getByRole('dialog', { name: 'Try it on a case' })
    await expect(trial.getByText('only here').first()).toBeVisible()
    await accessible(page)
    await trial.getByRole('button', { name: 'Close' }).click()

    await page.getByRole('button', { name: 'Put in force…' }).click()
    const dialog = page.getByRole('dialog', { name: 'Put this policy in force?' })
    await expect(dialog.getByText('Email ⇒ SMS → Email')).toBeVisible()
    await expect(dialog.getByText('Never paid')).toBeVisible()
    await accessible(page)
    await dialog.getByLabel('What was changed').fill('SMS first')
    await dialog.getByRole('button', { name: 'Put in force' }).click()
    await expect(dialog).toBeHidden()
    await expect(page.getByText(/^Version \d+$/)).toBeVisible()

    await page.getByRole('button', { name: 'Versions' }).click()
    const versions = page.getByRole('dialog', { name: 'Versions' })
    await expect(versions.getByText('SMS first').first()).toBeVisible()
    await versions.getByRole('button', { name: /^As it ships/ }).click()
    await expect(versions.getByText('SMS → Email ⇒ Email')).toBeVisible()
    await accessible(page)
    await versions.getByRole('button', { name: 'Take into the editor' }).click()
    // On a phone the words about what was done lie over the bar below, for as long as the pointer rests on them.
    await page.mouse.move(2, 2)
    for (const said of ['The policy is in force', 'It is in the editor now']) await expect(page.getByRole('status').filter({ hasText: said })).toHaveCount(0)
    await page.getByRole('button', { name: 'Put in force…' }).click()
    await dialog.getByRole('button', { name: 'Put in force' }).click()
    await expect(dialog).toBeHidden()
  })

async function ingest(opeka: Opeka, connection: number, secret: string, items: unknown[]) {
  const body = JSON.stringify({ items })
  const at = Math.floor(Date.now() / 1000)
  const v1 = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
  const answer = await fetch(`${opeka.url}/ingest/v1/${connection}/batch`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), 'X-Signature': `t=${at},v1=${v1}` },
    body,
  })
  expect(answer.status).toBe(200)
  expect((await answer.json()).results.map((r: { result: string }) => r.result)).toEqual(['created'])
}

const uah = (amount: number) => ({ amount, currency: 'UAH' })

test('why a customer did or did not get a notice is one click away, from order, customer and policy', async ({ signedIn: page, opeka }) => {
  const secret = randomUUID()
  const made = await opeka.api('POST', '/connections', { store_id: opeka.store.id, plug: 'generic', name: 'Shop ' + secret.slice(0, 4), settings: { secret } })
  const connection = made.id ?? made.connection.id
  const number = 'N-' + secret.slice(0, 6)
  const now = new Date().toISOString()
  await ingest(opeka, connection, secret, [
    {
      kind: 'order', op: 'upsert', external_id: number, updated_at: now,
      data: {
        number, status: 'pending', currency: 'UAH', total: uah(124990), placed_at: now,
        customer: { name: 'Олена Шевченко', email: `olena.${number}@example.com`, phone: '+380671112233' },
        lines: [{ sku: 'MUG-1', name: 'Чашка', quantity: 1, price: uah(124990), total: uah(124990) }],
      },
    },
  ])
  const log = async () => (await opeka.api('GET', `/notices?store_id=${opeka.store.id}`)).items.filter((n: { order_number: string }) => n.order_number === number)
  await expect.poll(async () => (await log()).length).toBeGreaterThan(0)
  const { order_id, customer_id } = (await log())[0]

  await page.goto(`${opeka.url}/app/orders/${order_id}`)
  await page.getByRole('button', { name: 'Why was this not sent?' }).click()
  await expect(page.getByText('Nothing has brought it up yet').first()).toBeVisible()
  await accessible(page)
  await page.getByRole('link', { name: 'In the log' }).click()
  await expect(page).toHaveURL(new RegExp(`notice-log\\?order=${order_id}`))
  await expect(page.getByText(`Order ${number}`, { exact: true })).toBeVisible()
  const entry = page.getByRole('list', { name: 'Log of notices' }).getByRole('listitem').filter({ hasText: 'Order placed' })
  await expect(entry).toContainText('No channel leads to the customer (not connected: Email)')
  await entry.locator('summary').click()
  await expect(entry.getByText(/As it ships: Email|Version \d+: Email/)).toBeVisible()
  await accessible(page)
  await entry.getByRole('button', { name: 'Every notice of the policy and how it stands' }).click()
  const why = page.getByRole('dialog', { name: `Why: order ${number}` })
  await expect(why.getByText('Handed to delivery').first()).toBeVisible()
  await accessible(page)
  await page.keyboard.press('Escape')

  await page.goto(`${opeka.url}/app/customers/${customer_id}`)
  await expect(page.getByText('No channel leads to the customer').first()).toBeVisible()

  await page.goto(opeka.url + '/app/settings/notice-log?moment=accepted&outcome=sent')
  await expect(page.getByText('Nothing like this')).toBeVisible()
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/notice-log')
    await expect(page.getByText(number).first()).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  }
})

for (const look of looks)
  test(`an address that must not be written to is kept and released, ${look.name}`, async ({ signedIn: page, opeka }) => {
    const address = `${randomUUID().slice(0, 8)}@example.com`
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/optouts')
    await page.getByRole('textbox', { name: 'Address' }).fill(address)
    await page.getByRole('button', { name: 'Add an address' }).click()
    const row = page.getByRole('listitem').filter({ hasText: address })
    await expect(row.getByText('added by hand')).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    await row.getByRole('button', { name: 'Allow again' }).click()
    await page.getByRole('dialog', { name: `Write to ${address} again?` }).getByRole('button', { name: 'Allow again' }).click()
    await expect(row).toBeHidden()
    const audit = await opeka.api('GET', `/audit?store_id=${opeka.store.id}`)
    expect(audit.items.some((a: { action: string }) => a.action === 'post.address_released' && JSON.stringify(a).includes(address))).toBe(true)

    await page.goto(opeka.url + '/app/settings/arrivals')
    await expect(page.getByText('Everything was taken')).toBeVisible()
    await accessible(page)
  })

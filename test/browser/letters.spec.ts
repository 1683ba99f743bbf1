import type { Page } from '@playwright/test'
import { decoded, openRelay, type Relay } from './mail.ts'
import { accessible, expect, looks, test, type Opeka } from './world.ts'


// A letter as an agent reads and answers it: its own form made safe, its readers as chips, taken back, sent later, sent again.
let relay: Relay
let mailbox = 0

const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGNgYPiPBw1naQYGAAA5xwFjfTwLkwAAAABJRU5ErkJggg=='

async function letter(opeka: Opeka, head: string[], parts: string[]) {
  await opeka.api('POST', `/letters?connection_id=${mailbox}`, ['To: help@shop.test', ...head, ...parts].join('\r\n'))
}

async function found(opeka: Opeka, subject: string, query = 'view=open'): Promise<number> {
  let id = 0
  await expect
    .poll(async () => {
      const page = await opeka.api('GET', `/conversations?limit=100&${query}`)
      id = page.items.find((c: { subject: string; id: number }) => c.subject === subject)?.id ?? 0
      return id
    })
    .toBeGreaterThan(0)
  return id
}

async function stands(page: Page, some: readonly (typeof looks)[number][] = [looks[0], looks[3]]) {
  for (const look of some) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), look.name).toBe(true)
    if (process.env.OPEKA_PICTURES) await page.screenshot({ path: `${process.env.OPEKA_PICTURES}-${look.name.replace(' ', '-')}-${++pictures}.png` })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 1440, height: 900 })
}
let pictures = 0

test.beforeAll(async ({ opeka }) => {
  relay = await openRelay()
  const made = await opeka.api('POST', '/connections', {
    store_id: opeka.store.id,
    plug: 'email',
    name: 'Mail',
    settings: { address: 'help@shop.test', from_name: 'Стежка', smtp_host: '127.0.0.1', smtp_port: relay.port, smtp_safety: 'none', signature: '{agent}\nStezhka, +380 44 000 00 00' },
  })
  mailbox = made.id
})
test.afterAll(() => relay.end())
test.beforeEach(async ({ page }) => page.setViewportSize({ width: 1440, height: 900 }))

test('a letter stands as it was written, and nothing in it acts', async ({ signedIn: page, opeka }) => {
  await letter(
    opeka,
    ['From: Taras Шевчук <taras@mail.test>', 'Cc: Friend <friend@mail.test>', 'Subject: Broken tent', 'Message-ID: <html@mail.test>', 'MIME-Version: 1.0', 'Content-Type: multipart/related; boundary="b"', ''],
    [
      '--b', 'Content-Type: text/html; charset=utf-8', '',
      '<html><head><style>body{display:none}</style></head><body style="color:#000"><p onclick="alert(1)">The <b>pole</b> broke: <img src="cid:pole" alt="the pole"></p>',
      '<p>See <a href="https://evil.test/login">www.shop.test/orders</a> and <a href="https://photos.test/1">my photos</a>.</p><img src="https://pictures.test/a.png" alt="Map"><script>document.title="x"</script>',
      '<table><tr><td>Order</td><td>4512</td></tr></table><div>Taras</div><br><div>On 12 May Stezhka wrote:</div><blockquote><p>Your order is ready</p></blockquote></body></html>',
      '--b', 'Content-Type: image/png; name="pole.png"', 'Content-ID: <pole>', 'Content-Disposition: inline; filename="pole.png"', 'Content-Transfer-Encoding: base64', '', pixel,
      '--b', 'Content-Type: application/pdf; name="receipt.pdf"', 'Content-Disposition: attachment; filename="receipt.pdf"', 'Content-Transfer-Encoding: base64', '', Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF').toString('base64'),
      '--b--', '',
    ],
  )
  const id = await found(opeka, 'Broken tent')
  const asked: string[] = []
  page.on('request', (r) => r.url().includes('.test') && asked.push(r.url()))
  await page.route('https://pictures.test/**', (r) => r.fulfill({ contentType: 'image/png', body: Buffer.from(pixel, 'base64') }))
  await page.goto(`${opeka.url}/app/inbox/open/${id}`)
  const log = page.getByRole('log')
  await expect(log.locator('.letter b')).toHaveText('pole')
  await expect(log.locator('.letter table')).toContainText('4512')
  const inline = log.getByRole('img', { name: 'the pole' })
  await expect(inline).toBeVisible()
  expect(await inline.evaluate((i: HTMLImageElement) => i.naturalWidth)).toBe(10)
  // Where its links lead, and that one of them says otherwise.
  await expect(log.getByText('⚠ leads to evil.test')).toBeVisible()
  await expect(log.getByText('(photos.test)')).toBeVisible()
  expect(await page.title()).not.toBe('x')
  // The quotation is folded; the head is a line until it is asked for.
  await expect(log.getByText('Your order is ready')).toBeHidden()
  await log.getByRole('button', { name: 'Show the quoted text' }).click()
  await expect(log.getByText('Your order is ready')).toBeVisible()
  await log.getByRole('button', { name: /copy to/ }).click()
  await expect(log.getByText('Taras Шевчук <taras@mail.test>')).toBeVisible()
  // The enclosed picture isn't listed once more; the receipt is, to be saved.
  await expect(log.getByRole('link', { name: /receipt\.pdf/ })).toHaveAttribute('download', 'receipt.pdf')
  await expect(log.getByText('pole.png')).toBeHidden()
  await stands(page, looks)
  // Nothing was loaded from elsewhere until it is asked for; then it is remembered for the sender.
  expect(asked).toEqual([])
  await expect(log.getByText('1 picture from elsewhere isn’t shown')).toBeVisible()
  await log.getByRole('button', { name: 'Always from this sender' }).click()
  await expect(log.getByRole('img', { name: 'Map' })).toBeVisible()
  await expect.poll(() => asked).toEqual(['https://pictures.test/a.png'])
  await page.reload()
  await expect(log.getByRole('img', { name: 'Map' })).toBeVisible()

  const saved = page.waitForEvent('download')
  await log.getByRole('button', { name: 'What to do with this letter' }).click()
  await page.getByRole('menuitem', { name: 'Save the original' }).click()
  expect((await saved).suggestedFilename()).toBe('letter.eml')
})

test('a letter is answered whole, taken back, and goes out to those who are named', async ({ signedIn: page, opeka }) => {
  await letter(opeka, ['From: Olha <olha@mail.test>', 'Cc: Friend <friend@mail.test>', 'Subject: Two questions', 'Message-ID: <two@mail.test>', 'Content-Type: text/plain; charset=utf-8', ''], [
    'Hello! When will you ship the tent? Can I return the mattress?',
  ])
  const id = await found(opeka, 'Two questions')
  await page.goto(`${opeka.url}/app/inbox/open/${id}`)
  const area = page.getByRole('textbox', { name: 'Reply' })
  const to = page.getByRole('combobox', { name: 'To', exact: true })
  const chip = (name: string) => page.getByRole('button', { name: `Remove ${name}` })
  await expect(chip('olha@mail.test')).toBeVisible()
  await expect(chip('friend@mail.test')).toBeVisible()
  await expect(page.getByText('The customer asks 2 questions')).toBeVisible()
  // Several at once, a slip, and the keyboard alone.
  await to.click()
  await to.evaluate((input, text) => {
    const data = new DataTransfer()
    data.setData('text', text)
    input.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
  }, 'Ira <ira@mail.test>; store@mail.test')
  await expect(chip('ira@mail.test')).toBeVisible()
  await page.keyboard.type('nonsense,')
  await area.click()
  await page.keyboard.type('We ship **the tent** tomorrow.')
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeDisabled()
  await to.click()
  await page.keyboard.press('Backspace')
  await page.keyboard.press('Backspace')
  await expect(chip('store@mail.test')).toBeHidden()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Escape')
  await expect(page.getByText('The answer seems to leave open:')).toBeVisible()
  await stands(page, looks)

  // What is left open is said once; then it goes, and can be taken back with its readers.
  await area.click()
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('button', { name: 'Send anyway' })).toBeVisible()
  const said = (await opeka.api('GET', `/conversations/${id}/messages`)).items.filter((m: { kind: string }) => m.kind !== 'system') // it may have been given to an agent who is ready
  expect(said).toHaveLength(1)
  await page.keyboard.press('Control+Enter')
  const log = page.getByRole('log')
  await expect(log.getByText(/Goes out in \d+ s/)).toBeVisible()
  await log.getByRole('button', { name: 'Take back' }).click() // there are ten seconds for it
  await expect(area).toHaveValue('We ship **the tent** tomorrow.')
  await expect(chip('ira@mail.test')).toBeVisible()
  await expect(log.getByText('Taken back, not sent')).toBeVisible()
  expect(relay.letters).toHaveLength(0)

  // Whole now; it goes out by itself.
  await area.fill('We ship **the tent** tomorrow.\nYou can return the mattress:\n- within 14 days\n- at any of our points')
  await expect(page.getByText('All 2 questions seem to be answered')).toBeVisible()
  await page.keyboard.press('Control+Enter')
  await expect.poll(() => relay.letters.length).toBe(1)
  const out = relay.letters[0]
  expect(out.to.sort()).toEqual(['friend@mail.test', 'ira@mail.test', 'olha@mail.test'])
  const text = decoded(out.text)
  expect(text).toContain('<b>the tent</b>')
  expect(text).toContain('<li>within 14 days</li>')
  expect(text).toContain('Stezhka, +380 44 000 00 00')
  expect(text).toContain('Olena')
  await expect(log.getByText('Sent', { exact: true })).toBeVisible()
  await expect(log.locator('.letter b').last()).toHaveText('the tent')
})

test('a letter waits for its time, fails and is sent again, and is passed on', async ({ signedIn: page, opeka }) => {
  await letter(opeka, ['From: Petro <petro@mail.test>', 'Subject: Later', 'Message-ID: <later@mail.test>', 'Content-Type: text/plain', ''], ['Please write on Monday.'])
  const id = await found(opeka, 'Later')
  await page.goto(`${opeka.url}/app/inbox/open/${id}`)
  const area = page.getByRole('textbox', { name: 'Reply' })
  const log = page.getByRole('log')
  await expect(page.getByRole('button', { name: 'Remove petro@mail.test' })).toBeVisible()
  await area.fill('Good morning!')
  await page.getByRole('button', { name: 'Send and…' }).click()
  await page.getByRole('menuitem', { name: /Tomorrow morning/ }).last().click()
  await expect(log.getByText(/unless the customer writes first/)).toBeVisible()
  await log.getByRole('button', { name: 'Edit' }).click()
  await expect(area).toHaveValue('Good morning!')

  relay.refuse.add('petro@mail.test')
  const before = relay.letters.length
  await page.keyboard.press('Control+Enter')
  await expect(log.getByText(/Not delivered.*not today/)).toBeVisible()
  await stands(page)
  relay.refuse.clear()
  await log.getByRole('button', { name: 'Send again' }).click()
  await expect.poll(() => relay.letters.length).toBe(before + 1)

  await log.getByRole('button', { name: 'What to do with this letter' }).first().click()
  await page.getByRole('menuitem', { name: 'Forward' }).click()
  const to = page.getByRole('combobox', { name: 'To', exact: true })
  await expect(to).toBeFocused()
  await page.keyboard.type('courier@mail.test')
  await page.keyboard.press('Enter')
  await expect(page.getByText('The letter and its files go along below the text.')).toBeVisible()
  await page.getByRole('button', { name: /^Send/ }).first().click()
  await expect.poll(() => relay.letters.length).toBe(before + 2)
  expect(relay.letters.at(-1)!.to).toEqual(['courier@mail.test'])
  expect(decoded(relay.letters.at(-1)!.text)).toContain('Please write on Monday.')
})

test('what filters put aside is found and comes back', async ({ signedIn: page, opeka }) => {
  await letter(opeka, ['From: Marko <marko@mail.test>', 'Subject: Not spam at all', 'Message-ID: <spam@mail.test>', 'X-Spam-Flag: YES', 'Content-Type: text/plain', ''], ['Do you have size 42?'])
  const id = await found(opeka, 'Not spam at all', 'view=resolved&tag=spam')
  await page.goto(`${opeka.url}/app/inbox/spam`)
  await page.getByRole('listbox').getByRole('option').filter({ hasText: 'Not spam at all' }).click()
  await expect(page.getByText('This letter was put aside')).toBeVisible()
  await stands(page)
  await page.getByRole('button', { name: 'Not spam' }).click()
  await expect(page.getByText('Taken out; its sender’s letters come in from now on')).toBeVisible()
  expect((await opeka.api('GET', `/conversations/${id}`)).conversation.status).toBe('open')
})

test('the store writes first, from the customer’s page', async ({ signedIn: page, opeka }) => {
  await letter(opeka, ['From: Sofia <sofia@mail.test>', 'Subject: Hello', 'Message-ID: <sofia@mail.test>', 'Content-Type: text/plain', ''], ['Just hello.'])
  const id = await found(opeka, 'Hello')
  const { conversation } = await opeka.api('GET', `/conversations/${id}`)
  await page.goto(`${opeka.url}/app/inbox/open/${id}`)
  await expect(page.getByText(/Answer due in/)).toBeVisible()
  await page.goto(`${opeka.url}/app/customers/${conversation.customer.id}`)
  await page.getByRole('button', { name: 'Write', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Write to Sofia' })
  await expect(dialog.getByText('sofia@mail.test')).toBeAttached()
  await dialog.getByLabel('Subject').fill('Your refund')
  await dialog.getByLabel('Text').fill('It is on its way.')
  await stands(page)
  await dialog.getByRole('button', { name: 'Send' }).click()
  await expect(page.getByText('Sent; the conversation waits for the answer')).toBeVisible()
  await expect(page.getByRole('log').getByText('It is on its way.')).toBeVisible()
  await expect.poll(() => relay.letters.some((l) => l.to.includes('sofia@mail.test') && l.text.includes('Your refund'))).toBe(true)
})

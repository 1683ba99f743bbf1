import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { openTown, whistle, type Town } from './town.ts'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// Real calls in a real browser: customers at a provider of SIP, the agent before Chromium. Each says a tone of his own, so that it is
// measured who hears whom.

const agentHz = 440
const microphone = join(mkdtempSync(join(tmpdir(), 'opeka-microphone-')), 'tone.wav')
writeFileSync(microphone, whistle(agentHz))

test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const args = [`--use-file-for-fake-audio-capture=${microphone}`, '--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection']
    await use({ ...launchOptions, args: [...(launchOptions.args ?? []), ...args] })
  },
})
test.describe.configure({ mode: 'serial' })

let town: Town
test.beforeAll(async ({ opeka }) => {
  town = await openTown(opeka)
})
test.afterAll(async ({ opeka }) => {
  await opeka.api('PUT', '/phone/me', { reachable: false })
  await town.end()
})

let last = 0
const number = () => `+38067${String(2_000_000 + ++last)}`

/** The agent before his console. A tone is what noise suppression takes away, so this microphone has none of it. */
async function sitsDown(page: Page, opeka: Opeka, at = '/app/callbacks') {
  await page.addInitScript(() => {
    const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = (c) => get({ audio: { ...(c?.audio as object), echoCancellation: false, noiseSuppression: false, autoGainControl: false } })
    const Real = RTCPeerConnection
    const all: RTCPeerConnection[] = []
    window.RTCPeerConnection = class extends Real {
      constructor(c?: RTCConfiguration) {
        super(c)
        all.push(this)
      }
    }
    Object.assign(window, { peers: all })
  })
  await opeka.api('PUT', '/me/presence', { state: 'ready' })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + at)
}

async function comesToThePhone(page: Page) {
  const ready = page.getByRole('switch', { name: 'Ready for calls' })
  await expect(ready).toBeVisible()
  if ((await ready.getAttribute('aria-checked')) === 'false') await ready.click()
  await expect(ready).toBeChecked()
}

/** How loud it is at the agent's ear over half a second: the energy that came in, per second. */
const ear = (page: Page) =>
  page.evaluate(async () => {
    const live = (window as any).peers.filter((p: RTCPeerConnection) => p.connectionState === 'connected').at(-1)
    const energy = async () => {
      for (const [, s] of (await live.getStats()).entries()) if (s.type === 'inbound-rtp') return s.totalAudioEnergy as number
      return 0
    }
    if (!live) return 0
    const before = await energy()
    await new Promise((done) => setTimeout(done, 500))
    return ((await energy()) - before) * 2
  })
const loud = 0.001
const hears = (page: Page) => expect.poll(() => ear(page)).toBeGreaterThan(loud)
const hearsNothing = (page: Page) => expect.poll(() => ear(page)).toBeLessThan(loud)

test('a caller is announced with who he is, taken, held, sent keys, and wrapped up, all by the keyboard', async ({ signedIn: page, opeka }) => {
  const her = number()
  const made = await opeka.api('POST', '/customers', { store_id: opeka.store.id, name: 'Олена Коваль', contacts: [{ kind: 'phone', value: her }] })
  await opeka.api('PATCH', `/customers/${(made.customer ?? made).id}`, { note: 'Любить, коли дзвонять зранку' })
  await sitsDown(page, opeka)
  await comesToThePhone(page)
  const olena = await town.person(her, 650)
  const line = await olena.call()
  await line.answered()

  const offer = page.getByRole('region', { name: 'A call for you' })
  await expect(offer).toBeVisible()
  await expect(offer.getByRole('heading', { name: 'Олена Коваль' })).toBeVisible()
  await expect(offer.getByText('Incoming call: Магазин')).toBeVisible()
  await expect(offer.getByText('Любить, коли дзвонять зранку')).toBeVisible()
  await accessible(page)
  await page.keyboard.press('Alt+y')

  const bar = page.getByRole('region', { name: 'Call', exact: true })
  await expect(bar.getByRole('button', { name: 'Hang up' })).toBeVisible()
  await line.hears(agentHz)
  await hears(page)
  await expect(bar.getByText('Good line')).toBeVisible()
  await expect(bar.getByRole('button', { name: 'Script' })).toBeVisible() // none fits by itself
  await expect(bar.getByRole('meter', { name: 'Loudness of your microphone' })).toHaveAttribute('aria-valuenow', /^[5-9]\d$/)
  await accessible(page)

  await page.keyboard.press('Alt+m')
  await expect(bar.getByRole('button', { name: 'Unmute' })).toBeVisible()
  await line.misses(agentHz)
  await page.keyboard.press('Alt+m')
  await line.hears(agentHz)

  await page.keyboard.press('Alt+h')
  await line.held(true)
  await line.misses(agentHz)
  await hearsNothing(page)
  await expect(bar.getByText('On hold')).toBeVisible()
  await page.keyboard.press('Alt+h')
  await line.held(false)
  await line.hears(agentHz)

  await page.keyboard.press('Alt+k')
  const pad = page.getByRole('group', { name: 'Keypad' })
  await expect(pad).toBeVisible()
  await page.keyboard.type('42#')
  await line.pressed('42#')
  await accessible(page)
  await page.keyboard.press('Escape')
  await expect(pad).toBeHidden()

  await page.keyboard.press('Alt+q')
  await line.over()
  const after = page.getByRole('region', { name: 'After the call' })
  await expect(after).toBeVisible()
  await accessible(page)
  await page.keyboard.press('Alt+w')
  await page.keyboard.press('ArrowRight')
  await expect(after.getByRole('radio', { name: 'Orders or confirms' })).toBeChecked()
  await page.keyboard.press('Tab')
  await page.keyboard.type('Замовила ще один')
  await page.keyboard.press('Control+Enter')
  await expect(after).toBeHidden()
  const calls = await opeka.api('GET', `/calls?store_id=${opeka.store.id}`)
  expect(calls.items[0]).toMatchObject({ number: her, disposition: 'ordered', note: 'Замовила ще один', state: 'ended' })
})

test('a promised call rings the customer, and a page that is loaded anew within it comes back with its note and its silence', async ({ signedIn: page, opeka, browser }) => {
  const his = number()
  const taras = await town.person(his, 950, true)
  await sitsDown(page, opeka)
  await comesToThePhone(page)
  await opeka.api('POST', '/callbacks', { store_id: opeka.store.id, number: his, name: 'Тарас Лис', note: 'Чи є синій колір?' })
  const line = await taras.rung()
  const bar = page.getByRole('region', { name: 'Call', exact: true })
  await expect(bar.getByRole('button', { name: 'Mute', exact: true })).toBeVisible()
  await line.hears(agentHz)
  await hears(page)

  await bar.getByRole('button', { name: 'Note about the call' }).click()
  await page.keyboard.type('Синій є, відкласти')
  await page.keyboard.press('Alt+m')
  await line.misses(agentHz)
  await page.reload()
  await expect(bar.getByRole('button', { name: 'Unmute' })).toBeVisible()
  await expect(bar.getByLabel('Note about the call').and(page.locator('textarea'))).toHaveValue('Синій є, відкласти')
  await hears(page)
  await page.keyboard.press('Alt+m')
  await line.hears(agentHz)

  // The browser finds that its way is lost, as on a train: it comes by another one into the same call.
  const peers = await page.evaluate(() => {
    const all = (window as any).peers
    const gone = all.at(-1)
    Object.defineProperty(gone, 'connectionState', { get: () => 'failed' })
    gone.dispatchEvent(new Event('connectionstatechange'))
    return all.length
  })
  await expect.poll(() => page.evaluate(() => (window as any).peers.length)).toBe(peers + 1)
  await line.hears(agentHz)
  await hears(page)

  // Another browser of the same agent takes the sound; here he is told, and takes it back.
  const other = await (await browser.newContext({ storageState: await page.context().storageState() })).newPage()
  await sitsDown(other, opeka)
  await hears(other)
  await expect(page.getByText('Your sound is in another window or browser.')).toBeVisible()
  await accessible(page)
  await page.getByRole('button', { name: 'Take the sound here' }).click()
  await hears(page)
  await line.hears(agentHz)
  await other.context().close()

  await line.hangUp()
  const after = page.getByRole('region', { name: 'After the call' })
  await expect(after.getByLabel('Note about the call')).toHaveValue('Синій є, відкласти')
  await after.getByRole('radio', { name: 'Not now, later' }).check()
  await after.getByRole('button', { name: 'Tomorrow 10:00' }).click()
  await after.getByRole('button', { name: 'Finish' }).click()
  await expect(after).toBeHidden()
  const { items } = await opeka.api('GET', `/callbacks?store_id=${opeka.store.id}`)
  expect(items.find((c: any) => c.number === his)).toMatchObject({ state: 'waiting', reason: 'promised_time', note: 'Синій є, відкласти' })
})

test('the bar in its four looks: offered, under way and over', async ({ signedIn: page, opeka }) => {
  const her = number()
  const iryna = await town.person(her, 650)
  await sitsDown(page, opeka)
  await comesToThePhone(page)
  const line = await iryna.call()
  await line.answered()
  const inEveryLook = async () => {
    for (const look of looks) {
      await page.emulateMedia({ colorScheme: look.scheme })
      await page.setViewportSize({ width: look.width, height: look.height })
      await accessible(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    }
  }
  await expect(page.getByRole('region', { name: 'A call for you' })).toBeVisible()
  await inEveryLook()
  await page.keyboard.press('Alt+y')
  const bar = page.getByRole('region', { name: 'Call', exact: true })
  await line.hears(agentHz)
  await expect(bar.getByRole('button', { name: 'Keypad' })).toBeVisible()
  await page.keyboard.press('Alt+k')
  await expect(page.getByRole('group', { name: 'Keypad' })).toBeVisible()
  await inEveryLook()
  await bar.getByRole('button', { name: 'Microphone and speaker' }).click()
  const dialog = page.getByRole('dialog', { name: 'Microphone and speaker' })
  await expect(dialog.getByLabel('Microphone', { exact: true }).locator('option')).not.toHaveCount(1)
  await inEveryLook()
  // Another microphone within the call: the customer goes on hearing.
  await dialog.getByLabel('Microphone', { exact: true }).selectOption({ index: 1 })
  await dialog.getByRole('button', { name: 'Close' }).click()
  await line.hears(agentHz)
  await line.hangUp()
  await expect(page.getByRole('region', { name: 'After the call' })).toBeVisible()
  await inEveryLook()
  await page.getByRole('radio', { name: 'Settled' }).check()
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('region', { name: 'After the call' })).toBeHidden()
})

test('a script opens with the call, and its end says how the call is closed', async ({ signedIn: page, opeka }) => {
  const say = (en: string) => ({ en })
  const script = await opeka.api('POST', '/scripts', {
    store_id: opeka.store.id,
    name: 'Hello',
    purpose: 'incoming',
    body: {
      start: 'hello',
      steps: [
        { key: 'hello', title: say('Hello'), say: say('Good day, here is {{ agent.name }}'), answers: [{ key: 'buys', label: say('Buys'), to: 'thanks' }] },
        { key: 'thanks', title: say('Thanks'), say: say('Thank you!'), outcome: 'ordered' },
      ],
    },
  })
  await sitsDown(page, opeka)
  await comesToThePhone(page)
  const line = await (await town.person(number(), 650)).call()
  await line.answered()
  await expect(page.getByRole('region', { name: 'A call for you' })).toBeVisible()
  await page.keyboard.press('Alt+y')
  const panel = page.getByRole('complementary', { name: 'Script' })
  await expect(panel.getByText('Good day, here is Olena')).toBeVisible()
  await line.hears(agentHz)
  await page.keyboard.press('Alt+Shift+Digit1')
  await expect(panel.getByText('Thank you!')).toBeVisible()
  await accessible(page)
  // Long enough to have been a conversation.
  await expect(page.getByRole('timer')).toHaveText(/^(0:(0[7-9]|[1-5]\d)|[1-9]\d*:\d\d)$/)
  await page.keyboard.press('Alt+q')
  const after = page.getByRole('region', { name: 'After the call' })
  await expect(after.getByRole('radio', { name: 'Orders or confirms' })).toBeChecked()
  await after.getByRole('button', { name: 'Finish' }).click()
  await expect(after).toBeHidden()
  await expect(panel).toBeHidden()
  await opeka.api('DELETE', `/scripts/${script.id}`)
})

test('a colleague is asked aside, brought in and left with the customer; then listened to', async ({ signedIn: page, opeka, browser }) => {
  const { invitation } = await opeka.api('POST', '/agents', {
    name: 'Петро',
    email: 'petro@shop.test',
    language: 'en',
    memberships: [{ store_id: opeka.store.id, role: 'agent' }],
  })
  const his = await (await browser.newContext()).newPage()
  await his.request.post(opeka.url + '/api/v1/invitations/accept', { data: { token: invitation.token, password: 'another long pass-phrase' } })
  await his.request.post(opeka.url + '/api/v1/session', { data: { email: 'petro@shop.test', password: 'another long pass-phrase' } })

  await sitsDown(page, opeka)
  await comesToThePhone(page)
  const who = number()
  const line = await (await town.person(who, 650)).call()
  await line.answered()
  await expect(page.getByRole('region', { name: 'A call for you' })).toBeVisible()
  await page.keyboard.press('Alt+y')
  const bar = page.getByRole('region', { name: 'Call', exact: true })
  await line.hears(agentHz)
  await sitsDown(his, opeka)
  await his.request.fetch(opeka.url + '/api/v1/me').then(async (r) => {
    const csrf = (await r.json()).csrf_token
    await his.request.put(opeka.url + '/api/v1/me/presence', { data: { state: 'ready' }, headers: { 'X-CSRF-Token': csrf } })
  })
  await comesToThePhone(his)

  await page.keyboard.press('Alt+t')
  const pass = page.getByRole('dialog', { name: 'Pass on, ask or bring in' })
  await pass.getByRole('radio', { name: 'Петро' }).check()
  await accessible(page)
  await pass.getByRole('button', { name: 'Ask aside first' }).click()
  await expect(his.getByText('Olena asks you aside')).toBeVisible()
  await accessible(his)
  await his.keyboard.press('Alt+y')
  await line.misses(agentHz)
  await expect(bar.getByRole('list', { name: 'Also in the call' }).getByText('Петро')).toBeVisible()
  await hears(his)
  await accessible(page)
  await bar.getByRole('button', { name: 'All together' }).click()
  await line.hears(agentHz)
  await bar.getByRole('button', { name: 'Leave' }).click()
  await expect(bar).toBeHidden()
  const hisBar = his.getByRole('region', { name: 'Call', exact: true })
  await expect(hisBar.getByRole('button', { name: 'Hang up' })).toBeVisible()
  await line.hears(agentHz)

  await page.goto(opeka.url + '/app/calls')
  await expect(page.getByRole('heading', { name: 'Calls now' })).toBeVisible()
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('button', { name: 'Listen' }).click()
  const beside = page.getByRole('region', { name: 'In a colleague’s call' })
  await hears(page)
  await accessible(page)
  await beside.getByRole('button', { name: 'Join in' }).click()
  await expect(hisBar.getByRole('list', { name: 'Also in the call' }).getByText('Olena')).toBeVisible()
  await beside.getByRole('button', { name: 'Stop' }).click()
  await expect(beside).toBeHidden()

  await his.keyboard.press('Alt+q')
  await line.over()
  await his.getByRole('radio', { name: 'Settled' }).check()
  await his.getByRole('button', { name: 'Finish' }).click()
  await expect(his.getByRole('region', { name: 'After the call' })).toBeHidden()
  await his.getByRole('switch', { name: 'Ready for calls' }).or(his.getByRole('main')).first().waitFor()
  await his.context().close()
})

test('an agent rings a customer from his file, and one who doesn’t want it only when he means it', async ({ signedIn: page, opeka }) => {
  const her = number()
  const line = town.person(her, 650, true)
  const made = await opeka.api('POST', '/customers', { store_id: opeka.store.id, name: 'Дарина Гай', contacts: [{ kind: 'phone', value: her }] })
  const { id } = made.customer ?? made
  await opeka.api('PATCH', `/customers/${id}`, { consent: { do_not_call: true } })
  await sitsDown(page, opeka, `/app/customers/${id}`)
  await page.getByRole('button', { name: /^Call \+?380/ }).click()
  const sure = page.getByRole('alertdialog').or(page.getByRole('dialog')).filter({ hasText: 'This customer doesn’t want calls' })
  await expect(sure).toBeVisible()
  await accessible(page)
  await sure.getByRole('button', { name: 'Call anyway' }).click()
  const call = await (await line).rung()
  await call.hears(agentHz)
  await hears(page)
  await expect(page.getByRole('timer')).toHaveText(/^(0:(0[7-9]|[1-5]\d)|[1-9]\d*:\d\d)$/)
  await call.hangUp()
  await page.getByRole('radio', { name: 'Settled' }).check()
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('region', { name: 'After the call' })).toBeHidden()
})

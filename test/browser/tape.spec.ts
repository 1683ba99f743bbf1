import { openTown, type Town } from './town.ts'
import { accessible, expect, test } from './world.ts'

// The recording of a call under way, in the hands of its agent.

let town: Town
test.beforeAll(async ({ opeka }) => {
  town = await openTown(opeka)
  await opeka.api('PUT', `/stores/${opeka.store.id}/recording-policy`, { mode: 'on_demand', announce: false, keep_days: 30 })
})
test.afterAll(async ({ opeka }) => {
  await opeka.api('PUT', `/stores/${opeka.store.id}/recording-policy`, { mode: 'off', announce: true, keep_days: 180 })
  await opeka.api('PUT', '/phone/me', { reachable: false })
  await town.end()
})

test('a recording is begun, paused for a card, gone on with and ended within the call', async ({ signedIn: page, opeka }) => {
  await opeka.api('PUT', '/me/presence', { state: 'ready' })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/callbacks')
  const ready = page.getByRole('switch', { name: 'Ready for calls' })
  await expect(ready).toBeVisible()
  if ((await ready.getAttribute('aria-checked')) === 'false') await ready.click()
  await expect(ready).toBeChecked()
  const ivan = await town.person('+380679990022', 650)
  const line = await ivan.call()
  await line.answered()
  await expect(page.getByRole('region', { name: 'A call for you' })).toBeVisible()
  await page.keyboard.press('Alt+y')
  const bar = page.getByRole('region', { name: 'Call', exact: true })
  const begun = Date.now()
  const { id } = (await opeka.api('GET', '/calls?limit=1')).items[0]
  const call = () => opeka.api('GET', `/calls/${id}`)
  await bar.getByRole('button', { name: 'Record', exact: true }).click()
  await expect(bar.getByRole('button', { name: 'Pause recording' })).toBeVisible()
  expect((await call()).recording).toBe('recording')
  await bar.getByRole('button', { name: 'Pause recording' }).click()
  await expect(bar.getByRole('button', { name: 'Go on recording' })).toBeVisible()
  expect((await call()).recording).toBe('paused')
  await accessible(page)
  await bar.getByRole('button', { name: 'Go on recording' }).click()
  await expect(bar.getByRole('button', { name: 'Pause recording' })).toBeVisible()
  await bar.getByRole('button', { name: 'Stop recording' }).click()
  await expect(bar.getByRole('button', { name: 'Record', exact: true })).toBeVisible()
  await expect.poll(async () => (await call()).recording).toBe('stored')
  await expect.poll(() => Date.now() - begun).toBeGreaterThan(8000) // a shorter call broke off, and he would be rung
  await line.hangUp()
  await expect.poll(async () => (await call()).state).toBe('wrapup')
  await opeka.api('POST', `/calls/${id}/wrap-up`, { disposition: 'settled' })
})

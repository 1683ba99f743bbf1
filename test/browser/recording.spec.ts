import { openTown, type Town } from './town.ts'
import { accessible, expect, looks, test } from './world.ts'

// A real call that is recorded, heard afterwards where the call stands in its conversation.

let town: Town
test.beforeAll(async ({ opeka }) => {
  town = await openTown(opeka)
  await opeka.api('PUT', `/stores/${opeka.store.id}/recording-policy`, { mode: 'all', announce: false, keep_days: 30 })
})
test.afterAll(async ({ opeka }) => {
  await opeka.api('PUT', `/stores/${opeka.store.id}/recording-policy`, { mode: 'off', announce: true, keep_days: 180 })
  await opeka.api('PUT', '/phone/me', { reachable: false })
  await town.end()
})

test('a recorded call is heard at its line, by the keyboard, in every look; found among all, and deleted', async ({ signedIn: page, opeka }) => {
  test.setTimeout(240_000)
  await opeka.api('PUT', '/me/presence', { state: 'ready' })
  await opeka.api('PUT', '/phone/me', { reachable: true })
  const olena = await town.person('+380679990011', 650)
  const line = await olena.call()
  await line.answered()
  const call = async () => (await opeka.api('GET', '/calls?limit=1')).items[0]
  await expect.poll(async () => (await call())?.state).toBe('offered')
  const { id } = await call()
  await opeka.api('POST', `/calls/${id}/answer`)
  await expect.poll(async () => (await call()).recording).toBe('recording')
  const begun = Date.now()
  const said = (seconds: number) => expect.poll(() => (Date.now() - begun) / 1000).toBeGreaterThan(seconds) // what is heard must have been said
  await said(7)
  await opeka.api('POST', `/calls/${id}/recording/pause`)
  await expect.poll(async () => (await call()).recording).toBe('paused')
  await said(9)
  await line.hangUp()
  await expect.poll(async () => (await call()).recording).toBe('stored')
  await opeka.api('POST', `/calls/${id}/wrap-up`, { disposition: 'settled' })
  await expect.poll(async () => (await call()).conversation_id).toBeGreaterThan(0)

  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${opeka.url}/app/inbox/open/${(await call()).conversation_id}`)
  const player = page.getByRole('region', { name: 'Recording of the call' })
  await expect(player).toBeVisible()
  await expect(player.getByText('1 pause by request')).toBeVisible()
  const place = player.getByRole('slider', { name: 'Position in the recording' })
  await place.focus()
  await page.keyboard.press('ArrowRight')
  await expect(place).toHaveAttribute('aria-valuenow', '5')
  await page.keyboard.press('Home')
  await expect(place).toHaveAttribute('aria-valuenow', '0')
  await page.keyboard.press('Space')
  await expect(player.getByRole('button', { name: 'Pause' })).toBeVisible()
  await expect.poll(async () => Number(await place.getAttribute('aria-valuenow'))).toBeGreaterThan(0)
  await page.keyboard.press('Space')
  await expect(player.getByRole('button', { name: 'Play' })).toBeVisible()
  await player.getByRole('button', { name: 'Speed: 1×' }).click()
  await player.getByRole('button', { name: 'Speed: 1.5×' }).click()
  await expect(player.getByRole('button', { name: 'Speed: 2×' })).toBeVisible()
  const [recording] = (await opeka.api('GET', `/calls/${id}/recordings`)).items
  const heard = (await opeka.api('GET', `/recordings/${recording.id}/hearings`)).items
  expect(heard).toHaveLength(1)
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await expect(player).toBeVisible()
    await accessible(page)
  }

  // The same in the list of all: found by what narrows it, heard, and deleted with a reason.
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`${opeka.url}/app/recordings?kind=voicemail`)
  await expect(page.getByText('No recording fits')).toBeVisible()
  await page.getByRole('button', { name: 'Show all' }).click()
  const row = page.getByRole('list', { name: 'Recordings' }).getByRole('listitem').first()
  await expect(row).toContainText('kept until')
  await row.getByRole('button', { name: /^Listen: / }).click()
  await expect(row.getByRole('slider', { name: 'Position in the recording' })).toBeVisible()
  await expect(row.getByRole('heading', { name: 'Who listened' })).toBeVisible()
  await expect(row.getByText('Olena').last()).toBeVisible()
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  }
  await page.setViewportSize({ width: 1440, height: 900 })
  await row.getByRole('button', { name: 'Delete the recording' }).click()
  const question = page.getByRole('dialog', { name: 'Delete this recording?' })
  await question.getByRole('button', { name: 'Delete the recording' }).click()
  await expect(question.getByText('Say why it is deleted.')).toBeVisible()
  await accessible(page)
  await question.getByLabel('Why').fill('The customer asked for it')
  await question.getByRole('button', { name: 'Delete the recording' }).click()
  await expect(question).toBeHidden()
  await expect(row.getByText('Olena: The customer asked for it')).toBeVisible()
  expect(await opeka.api('GET', `/recordings/${recording.id}`)).toMatchObject({ state: 'deleted', deleted_why: 'request', deleted_by: 'Olena', deleted_note: 'The customer asked for it' })
  expect((await page.request.get(`${opeka.url}/api/v1/recordings/${recording.id}/sound`)).ok()).toBe(false)
})

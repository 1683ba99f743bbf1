import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { whistle } from './town.ts'
import { accessible, expect, looks, test } from './world.ts'

// Telephone queues as a supervisor sets them up: the queue, what callers hear, recording and priority.

const files = mkdtempSync(join(tmpdir(), 'opeka-prompts-'))
writeFileSync(join(files, 'hello.wav'), whistle(440))
writeFileSync(join(files, 'hello.mp3'), Buffer.from('ID3\x04 no wave at all'))

test('a telephone queue is made and changed, its words are recorded, heard and taken back', async ({ signedIn: page, opeka }) => {
  await page.goto(opeka.url + '/app/settings/phone-queues')
  await page.getByRole('link', { name: 'Add a queue' }).click()
  await page.getByLabel('Name').fill('Orders')
  await page.getByLabel('Numbers called').fill('+380 44 000-00-00, +48221112233')
  await page.getByLabel('Українська').check()
  await page.getByLabel('Polski').check()
  await page.getByLabel('Waiting at most, min').fill('10')
  await page.getByLabel('Beyond these limits').selectOption('number')
  await page.getByLabel('When it is closed').selectOption('voicemail')
  await page.getByRole('button', { name: 'Create the queue' }).click()
  await expect(page.locator('[aria-invalid="true"]')).toHaveCount(1)
  await page.getByLabel('Number outside').fill('+380445556677')
  await page.getByRole('button', { name: 'Create the queue' }).click()
  await page.getByRole('link', { name: /Orders/ }).click()
  const [queue] = (await opeka.api('GET', `/phone-queues?store_id=${opeka.store.id}`)).items.filter((q: any) => q.name === 'Orders')
  expect(queue).toMatchObject({ numbers: ['+380440000000', '+48221112233'], languages: ['uk', 'pl'], max_wait_s: 600, overflow: 'number', overflow_number: '+380445556677', closed: 'voicemail' })
  await page.getByLabel('Own opening hours').click()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => (await opeka.api('GET', `/phone-queues?store_id=${opeka.store.id}`)).items.find((q: any) => q.id === queue.id).hours?.zone).toBe('Europe/Kyiv')

  await page.goto(opeka.url + '/app/settings/phone-queues')
  await page.getByLabel('Calls are recorded').selectOption('on_demand')
  await page.getByLabel('Kept for, days').fill('90')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(() => opeka.api('GET', `/stores/${opeka.store.id}/recording-policy`)).toMatchObject({ mode: 'on_demand', keep_days: 90, announce: true })
  await page.getByLabel('Tags of important customers').fill('vip, gold')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect.poll(() => opeka.api('GET', `/stores/${opeka.store.id}/call-priority`)).toMatchObject({ vip_tags: ['vip', 'gold'], repeated_within_s: 43200 })

  await page.getByLabel('Language', { exact: true }).selectOption('pl')
  await page.getByLabel('Upload a recording: Greeting').setInputFiles(join(files, 'hello.mp3'))
  await expect(page.getByText('This is no WAV file (MP3).')).toBeVisible()
  await page.getByLabel('Upload a recording: Greeting').setInputFiles(join(files, 'hello.wav'))
  await expect(page.getByText('Recorded, 0:10')).toBeVisible()
  await page.getByRole('button', { name: 'Listen: Greeting' }).click()
  await expect(page.getByRole('button', { name: 'Stop: Greeting' })).toBeVisible()
  await page.getByRole('button', { name: 'Back to the built-in voice: Greeting' }).click()
  await expect(page.getByText('Recorded, 0:10')).toBeHidden()

  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    for (const at of ['', `/${queue.id}`]) {
      await page.goto(opeka.url + '/app/settings/phone-queues' + at)
      await expect(page.getByRole('heading', { level: 1 }).or(page.getByRole('heading', { name: /Orders|Telephone queues/ })).first()).toBeVisible()
      await expect(page.getByLabel(at ? 'Numbers called' : 'Calls are recorded')).toBeVisible()
      await accessible(page)
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    }
  }
  await opeka.api('DELETE', `/phone-queues/${queue.id}`)
  await opeka.api('PUT', `/stores/${opeka.store.id}/recording-policy`, { mode: 'off', announce: true, keep_days: 180 })
})

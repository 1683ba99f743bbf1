import { randomUUID } from 'node:crypto'
import { accessible, expect, looks, test, type Opeka } from './world.ts'

// Call scripts: written step by step with a preview, and walked through in a conversation, where each answer is on disk with its effects at once.

async function chat(opeka: Opeka, body: string) {
  const send = async (path: string, token: string, data: unknown) => {
    const answer = await fetch(`${opeka.url}/widget/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(data),
    })
    expect(answer.status).toBeLessThan(300)
    return answer.json()
  }
  const { token } = await send('/session', '', { store: opeka.store.slug, language: 'en' })
  await send('/messages', token, { client_id: randomUUID(), body })
}

const say = (en: string) => ({ en })
const short = (department: number) => ({
  start: 'ask',
  steps: [
    {
      key: 'ask',
      title: say('Question'),
      say: say('Which colour, {{ customer.name }}?'),
      fields: [{ key: 'colour', label: say('Colour'), kind: 'text', required: true }],
      answers: [
        { key: 'keep', label: say('Put it aside'), to: 'done', effects: [{ kind: 'task', value: 'Put aside: {{ field.colour }}', department_id: department, minutes: 60 }] },
        { key: 'no', label: say('Not now'), to: 'bye' },
      ],
    },
    { key: 'done', title: say('Thanks'), say: say('It is put aside.'), outcome: 'ordered' },
    { key: 'bye', title: say('Bye'), say: say('Another time then.'), outcome: 'not_wanted' },
  ],
})

test('a script is written, previewed, corrected at its step, and kept in versions', async ({ signedIn: page, opeka }) => {
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/settings/scripts')
  await page.getByRole('link', { name: 'Confirming an order' }).click()
  await expect(page.getByLabel('Name')).toHaveValue('Confirming an order')
  await page.getByLabel('Name').fill('Orders ' + randomUUID().slice(0, 4))

  await page.getByRole('button', { name: 'Preview' }).click()
  const preview = page.getByRole('dialog', { name: 'Preview' })
  await expect(preview.getByText('Do you confirm it?')).toBeVisible()
  await preview.getByRole('button', { name: 'No longer wanted' }).click()
  await preview.getByLabel('Why not').fill('Found it cheaper')
  await preview.getByRole('button', { name: 'Cancel the order' }).click()
  await expect(preview.getByText('Cancel the order: Found it cheaper')).toBeVisible()
  await accessible(page)
  await preview.getByRole('button', { name: 'Back a step' }).click()
  await expect(preview.getByRole('heading', { name: 'The reason' })).toBeVisible()
  await preview.getByRole('button', { name: 'Close' }).last().click()

  // What is wrong stands at its step.
  await page.getByRole('button', { name: 'A change' }).click()
  const step = page.getByRole('region', { name: 'A change' })
  await step.getByRole('group', { name: 'Answer 1' }).getByLabel('Value').fill('')
  await page.getByRole('button', { name: 'Greeting' }).click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(step.getByRole('group', { name: 'Answer 1' }).getByLabel('Value')).toHaveAttribute('aria-invalid', 'true')
  await accessible(page)
  await step.getByRole('group', { name: 'Answer 1' }).getByLabel('Value').fill('Change the order')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page).toHaveURL(/\/settings\/scripts\/\d+$/)

  // An answer that leads to a step of its own, which is written next.
  await page.getByRole('button', { name: 'Thanks' }).click()
  const thanks = page.getByRole('region', { name: 'Thanks' })
  await thanks.getByRole('button', { name: 'Add an answer' }).click()
  const answer = thanks.getByRole('group', { name: 'Answer 1' })
  await answer.getByLabel('Answer', { exact: true }).fill('Tell about the present')
  await answer.getByLabel('Leads to').selectOption({ label: 'A new step' })
  await page.getByRole('button', { name: /^step_/ }).click()
  await page.getByLabel('Title').fill('Present')
  await page.getByLabel('What to say').fill('A candle comes with it.')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByText('Saved', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Versions' }).click()
  const versions = page.getByRole('dialog', { name: 'Versions' })
  await expect(versions.getByText('Version 2')).toBeVisible()
  await accessible(page)
  await versions.getByRole('button', { name: 'Take these texts' }).click()
  await expect(page.getByRole('button', { name: 'Present' })).toBeHidden()
  await page.getByRole('button', { name: 'Discard' }).click()
  await page.getByRole('button', { name: 'Take out of use' }).click()
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Take out of use' }).click()
  await expect(page.getByRole('list', { name: 'Call scripts' }).getByText('Out of use').first()).toBeVisible()
})

test('an agent walks through a script in a conversation: written at once, taken back, its task done once', async ({ signedIn: page, opeka }) => {
  const department = await opeka.api('POST', '/departments', { store_id: opeka.store.id, name: 'Shelf ' + randomUUID().slice(0, 4) })
  const name = 'Colours ' + randomUUID().slice(0, 4)
  const script = await opeka.api('POST', '/scripts', { store_id: opeka.store.id, name, body: short(department.id) })
  const words = 'Which colours are there? ' + randomUUID().slice(0, 6)
  await chat(opeka, words)
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(opeka.url + '/app/')
  await page.getByRole('option', { name: words }).click()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Script…' }).click()
  const panel = page.getByRole('complementary', { name: 'Script' })
  await panel.getByRole('button', { name }).click()
  await expect(panel.getByText('Which colour')).toBeVisible()
  await expect(panel.getByText('Step 1 of 2')).toBeVisible()
  await panel.getByRole('button', { name: 'Put it aside' }).click()
  await expect(panel.getByLabel('Colour *')).toHaveAttribute('aria-invalid', 'true')
  await panel.getByLabel('Colour *').fill('blue')
  await page.keyboard.press('Alt+Shift+Digit1')
  await expect(panel.getByText('It is put aside.')).toBeVisible()
  await expect(panel.getByRole('listitem').filter({ hasText: 'Task: Put aside: blue' }).getByText('Done')).toBeAttached()
  await accessible(page)

  await panel.getByRole('button', { name: 'Back a step' }).click()
  await expect(panel.getByLabel('Colour *')).toHaveValue('blue')
  await panel.getByRole('button', { name: 'Put it aside' }).click()
  await expect(panel.getByText('It is put aside.')).toBeVisible()
  const tasks = await opeka.api('GET', `/tasks?department_id=${department.id}`)
  expect(tasks.items.map((x: any) => x.title)).toEqual(['Put aside: blue'])

  // Left and come back to, it goes on where it was.
  await page.reload()
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Script…' }).click()
  await expect(panel.getByText('It is put aside.')).toBeVisible()
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  }
  await panel.getByRole('button', { name: 'Hide the script' }).click()
  await expect(panel).toBeHidden()
  await opeka.api('DELETE', `/scripts/${script.id}`)
})

for (const look of looks) {
  test(`the editor of scripts, ${look.name}`, async ({ signedIn: page, opeka }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize({ width: look.width, height: look.height })
    await page.goto(opeka.url + '/app/settings/scripts/confirmation')
    await page.getByRole('button', { name: 'Later' }).click()
    await expect(page.getByRole('region', { name: 'Later' }).getByLabel('At the time written in')).toHaveValue('at')
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
  })
}

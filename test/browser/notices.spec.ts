import { accessible, expect, looks, test } from './world.ts'

// What customers are told: its words, its policy, its log.

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

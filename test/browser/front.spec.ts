import { accessible, expect, looks, test } from './world.ts'

for (const look of looks) {
  test(`sign-in stands in ${look.name}`, async ({ page, opeka }) => {
    await page.emulateMedia({ colorScheme: look.scheme })
    await page.setViewportSize(look)
    await page.goto(opeka.url + '/app/')
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
    await accessible(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  })
}

test('a wrong password is refused in words, the right one opens the desk', async ({ page, opeka }) => {
  await page.goto(opeka.url + '/app/')
  await page.getByLabel('Email').fill(opeka.email)
  await page.getByLabel('Password').fill('not the right one')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByLabel('Password').fill(opeka.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('navigation', { name: 'Main navigation' }).first()).toBeVisible()
})

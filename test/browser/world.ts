import { test as base, expect, type APIRequestContext, type Page } from '@playwright/test'
import { AxeBuilder } from '@axe-core/playwright'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.ts'

/** A running program with one store and its first administrator. */
export interface Opeka {
  url: string
  email: string
  password: string
  store: { id: number; slug: string }
  /** api calls an operation as the administrator; it throws when the answer isn't a success. */
  api<T = any>(method: string, path: string, body?: unknown): Promise<T>
}

/** One program per worker, and so per file: its own folder, its own port, ended with the worker. */
export const test = base.extend<{ signedIn: Page }, { opeka: Opeka }>({
  opeka: [
    async ({ playwright }, use) => {
      const data = mkdtempSync(join(tmpdir(), 'opeka-browser-'))
      const child = spawn(join(root, 'bin/opeka-browser-test'), ['serve', '--data', data, '--listen', '127.0.0.1:0', '--metrics-listen', '', '--sip-listen', '127.0.0.1:0', '--phone-listen', '127.0.0.1:0', '--log-level', 'warn', '--allow-private'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const url = await new Promise<string>((resolve, reject) => {
        let text = ''
        child.stdout.on('data', (b: Buffer) => {
          text += b.toString()
          const found = /serves at (\S+)/.exec(text)
          if (found) resolve(found[1])
        })
        child.on('exit', (code) => reject(new Error(`the program ended with ${code} before it served:\n${text}`)))
      })
      const request = await playwright.request.newContext({ baseURL: url })
      const opeka = await setUp(request, url)
      await use(opeka)
      await request.dispose()
      const ended = new Promise((resolve) => child.on('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(data, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  // What the console's policy forbids would be missing on the screen: no test of it passes with a violation.
  page: async ({ page }, use) => {
    const forbidden: string[] = []
    page.on('console', (m) => m.text().includes('Content Security Policy') && forbidden.push(m.text()))
    await use(page)
    expect(forbidden).toEqual([])
  },
  signedIn: async ({ page, opeka }, use) => {
    await page.request.post(opeka.url + '/api/v1/session', { data: { email: opeka.email, password: opeka.password } })
    await use(page)
  },
})

async function setUp(request: APIRequestContext, url: string): Promise<Opeka> {
  const email = 'owner@shop.test'
  const password = 'a long enough pass-phrase'
  let csrf = ''
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await request.fetch(url + '/api/v1' + path, {
      method,
      data: body,
      // A text is a letter as it came.
      headers: { ...(csrf ? { 'X-CSRF-Token': csrf } : {}), ...(typeof body === 'string' ? { 'Content-Type': 'message/rfc822' } : {}) },
    })
    if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`)
    const text = await answer.text()
    return text ? JSON.parse(text) : undefined
  }
  await api('POST', '/setup', { store_name: 'Карпати', time_zone: 'Europe/Kyiv', language: 'en', name: 'Olena', email, password })
  const me = await api('POST', '/session', { email, password })
  csrf = me.csrf_token
  const stores = await api('GET', '/stores')
  return { url, email, password, store: stores.items[0], api }
}

/** A WooCommerce shop with three orders to one customer. */
export interface Woo {
  url: string
  key: string
  secret: string
  orders: number[]
  end(): Promise<void>
}

export async function openWoo(): Promise<Woo> {
  const child = spawn(join(root, 'bin/opeka-browser-woo'), [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (b: Buffer) => resolve(b.toString()))
    child.once('exit', (code) => reject(new Error(`the shop ended with ${code}`)))
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    ...JSON.parse(line),
    end: async () => {
      child.stdin.end()
      await ended
    },
  }
}

/** accessible fails with every violation of WCAG 2.2 A and AA that axe sees on the page. */
export async function accessible(page: Page) {
  // Colours on their way from one theme to the other are nobody's choice.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((a) => a.effect?.getComputedTiming().iterations !== Infinity)
        .map((a) => a.finished.catch(() => undefined)),
    ),
  )
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.any[0]?.message ?? n.all[0]?.message ?? ''})`).join(', ')}`)).toEqual([])
}

/** The four looks in which every screen must stand. */
export const looks = [
  { name: 'light wide', scheme: 'light', width: 1440, height: 900 },
  { name: 'dark wide', scheme: 'dark', width: 1440, height: 900 },
  { name: 'light narrow', scheme: 'light', width: 390, height: 844 },
  { name: 'dark narrow', scheme: 'dark', width: 390, height: 844 },
] as const

export { expect }

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from '@playwright/test'

const files = readdirSync(fileURLToPath(new URL('.', import.meta.url))).filter((name) => name.endsWith('.spec.ts'))

// Debian's Chromium: browsers' own downloads aren't needed. Two workers for two cores.
export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  workers: 2,
  // A project takes workers of its own: the tests of a file share one program, and what they leave behind is met by no other file's, in whatever order the files come.
  projects: files.map((name) => ({ name: name.replace('.spec.ts', ''), testMatch: name })),
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  retries: 0,
  // A loaded machine is slow, not wrong.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  globalSetup: './setup.ts',
  use: {
    locale: 'en-GB',
    timezoneId: 'Europe/Kyiv',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.OPEKA_CHROMIUM ?? '/usr/bin/chromium',
      // The microphone is a made-up one, and allowed.
      args: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})

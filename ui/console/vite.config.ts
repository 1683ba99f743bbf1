import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The server serves the console below /app/ from the embedded dist folder.
// `--mode fake` builds it with an API that lives in the page, for pictures and browser tests.
export default defineConfig(({ mode }) => ({
  base: '/app/',
  plugins: [tailwindcss(), svelte()],
  resolve: {
    alias: { $lib: here('./src/lib'), $messages: here('../../messages') },
    conditions: mode === 'test' ? ['browser'] : undefined,
  },
  server: {
    host: '127.0.0.1',
    fs: { allow: [here('.'), here('../../messages')] },
    proxy: {
      '/api': process.env.OPEKA_URL ?? 'http://127.0.0.1:8080',
      '/live': { target: process.env.OPEKA_URL ?? 'http://127.0.0.1:8080', ws: true },
    },
  },
  build: {
    outDir: mode === 'fake' ? '.fake' : 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 250,
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
  },
}));

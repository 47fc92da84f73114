import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

// Paths are relative, because weir may stand behind a proxy that puts a path in front. The console is at html/, the
// REST interface at api/v1/ beside it.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': process.env.WEIR_URL ?? 'http://127.0.0.1:8018' } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})

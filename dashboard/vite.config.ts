// How the page is built: by scripts/build.js into dist/dashboard, with the licences of what it is made of beside it. Nothing in it
// asks for anything but what stands there: no CDN, no fonts of others.

import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: here,
  base: './',
  plugins: [react()],
  build: {
    outDir: `${here}../dist/dashboard`,
    emptyOutDir: false,
    target: 'es2023',
    // The address of each piece is asked of the same listener; what is inlined as data: would have no type of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'assets/licenses.md' },
    rolldownOptions: { checks: { pluginTimings: false } },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1_000,
  },
  logLevel: 'warn',
})

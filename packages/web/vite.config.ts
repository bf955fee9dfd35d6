// How the console is built, and served while developing. Knows no page.

import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const server = process.env.FLOWFORGE_URL ?? 'http://127.0.0.1:7420'

export default defineConfig({
  plugins: [react(), tailwindcss(), commonLanguages()],
  build: {
    // The server's Content-Security-Policy allows only files from itself: nothing may become a data: URL.
    assetsInlineLimit: 0,
    target: 'es2023',
  },
  server: {
    proxy: {
      '/api': { target: server, ws: true },
      '/git': { target: server },
    },
  },
})

/** The diff library loads every grammar there is; the console brings the common ones. */
function commonLanguages(): Plugin {
  return {
    name: 'common-languages',
    enforce: 'pre',
    resolveId: (source, importer) =>
      source === 'lowlight' && importer?.includes('@git-diff-view')
        ? fileURLToPath(new URL('./src/diff/languages.ts', import.meta.url))
        : undefined,
  }
}

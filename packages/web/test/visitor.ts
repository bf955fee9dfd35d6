// A person at the console in Chromium: builds it once, opens a window, signs in, looks. Knows no test.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { PEER_KEY } from './peer.ts'

const require = createRequire(import.meta.url)
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGUMENTS })

/** Builds into a folder of its own, where the screenshots go as well. */
export async function buildConsole(): Promise<{ shots: string; dist: string }> {
  const shots = mkdtempSync(join(tmpdir(), 'flowforge-console-'))
  const dist = join(shots, 'dist')
  const vite = require.resolve('vite/package.json').replace('package.json', 'bin/vite.js')
  // A process of its own: the test runner's NODE_ENV would make it a development build.
  await promisify(execFile)(process.execPath, [vite, 'build', '--outDir', dist, '--logLevel', 'error'], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return { shots, dist }
}

export interface Device {
  theme?: 'light' | 'dark'
  phone?: boolean
}

export type Visitor = Awaited<ReturnType<typeof openVisitor>>

export async function openVisitor(
  browser: Browser,
  { url, shots }: { url: string; shots: string },
  { theme = 'light', phone = false }: Device = {},
) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: phone ? { width: 390, height: 844 } : { width: 1360, height: 860 },
    hasTouch: phone,
    isMobile: phone,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    // A refused request is part of some tests; a refused script or style is a fault.
    const expected = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !expected) complaints.push(message.text())
  })

  return {
    page,
    complaints,
    close: () => context.close(),
    see: (text: string | RegExp) => page.getByText(text).first().waitFor(),
    shoot: (name: string) => page.screenshot({ path: join(shots, `${name}.png`) }),
    async signIn(path = '/') {
      await page.goto(url + path)
      await page.getByLabel('API key').fill(PEER_KEY)
      await page.keyboard.press('Enter')
      const inside = page.getByRole('navigation', { name: 'Main' }).or(page.getByLabel('Open navigation'))
      await inside.first().waitFor()
    },
    /** What axe finds wrong, in words. */
    async faults(): Promise<string[]> {
      await page.evaluate(axeSource)
      return page.evaluate(async () => {
        // By name: the types of a browser are not those of whoever drives it.
        const { axe, document } = globalThis as unknown as {
          axe: typeof import('axe-core')
          document: import('axe-core').ElementContext
        }
        const { violations } = await axe.run(document, {
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
        })
        return violations.flatMap(({ id, nodes }) =>
          nodes.map(node => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
        )
      })
    },
  }
}

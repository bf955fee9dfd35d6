// Four kinds of tests, told apart by their names alone:
//   fast         *.test.ts               nothing but Node.js
//   integration  *.integration.test.ts   real servers and Docker, beside the source
//   e2e          e2e/**/*.test.ts        the whole system
//   faults       e2e/faults/*.test.ts    the same, killed, cut off and filled up
import { defineConfig } from 'vitest/config'

const IGNORED = ['**/node_modules/**', '**/dist/**', '.cache/**']
const FAULTS = 'e2e/faults/*.test.ts'
const INTEGRATION = '**/*.integration.test.{ts,tsx}'
/**
 * Real processes on a machine that does other things, too: what fails once is tried once more where nobody watches, and
 * `script/test` names it. At a developer's desk it fails.
 */
const retry = process.env.CI ? 1 : 0

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...IGNORED, INTEGRATION, 'e2e/**'],
        },
      },
      {
        test: {
          name: 'integration',
          retry,
          include: [INTEGRATION],
          exclude: IGNORED,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Each file starts servers and containers of its own.
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          retry,
          include: ['e2e/**/*.test.ts'],
          exclude: [...IGNORED, FAULTS],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // One whole system at a time: its timings are part of what is tested.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'faults',
          retry,
          include: [FAULTS],
          exclude: IGNORED,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // Most of their time is spent waiting for a lease to run out.
          maxWorkers: 2,
        },
      },
    ],
  },
})

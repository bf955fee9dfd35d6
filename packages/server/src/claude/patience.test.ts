import { expect, test } from 'vitest'
import { patienceWithClaude } from './patience.ts'

test.each([
  [5, '3'],
  [30, '5'],
  [900, '10'],
  [86_400, '10'],
])('within %i seconds Claude Code asks again %s times', (seconds, retries) => {
  expect(patienceWithClaude(seconds)).toMatchObject({
    CLAUDE_CODE_MAX_RETRIES: retries,
    CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS: String(seconds * 1000),
  })
})

test('a stream may be silent for two minutes at most, however patient one is', () => {
  expect(patienceWithClaude(5).CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS).toBe('5000')
  expect(patienceWithClaude(900).CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS).toBe('120000')
})

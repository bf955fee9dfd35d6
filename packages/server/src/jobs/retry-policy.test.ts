import { FAILURE_CODES, type FailureCode } from '@flowforge/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FailedAttempt, retryDelay } from './retry-policy.ts'

const failed = (code: FailureCode, change: Partial<FailedAttempt> = {}): FailedAttempt => ({
  ...{ code, attempts: 1, maxAttempts: 10, sameFailures: 1 },
  ...change,
})
const longest = () => 0.999_999
const shortest = () => 0
const TRANSIENT = [
  'worker_lost',
  'agent_crashed',
  'claude_unavailable',
  'git_unreachable',
  'no_capacity',
  'disk_full',
] as const

describe('a failed attempt', () => {
  test.each(TRANSIENT)('%s is tried again by itself', code => {
    expect(retryDelay(failed(code), shortest)).toBe(0)
  })

  test.each(
    FAILURE_CODES.filter(code => !(TRANSIENT as readonly string[]).includes(code)),
  )('%s waits for a person', code => {
    expect(retryDelay(failed(code), shortest)).toBeNull()
  })

  test.each(FAILURE_CODES)('%s is the end when all attempts are used up', code => {
    expect(retryDelay(failed(code, { attempts: 2, maxAttempts: 2 }), shortest)).toBeNull()
  })

  test('a crash of the agent is tried again once, whatever else happened in between', () => {
    expect(retryDelay(failed('agent_crashed', { attempts: 3, sameFailures: 1 }), shortest)).toBe(0)
    expect(retryDelay(failed('agent_crashed', { attempts: 3, sameFailures: 2 }), shortest)).toBeNull()
  })

  test('waits up to twice as long each time, up to a cap', () => {
    const bounds = [1, 2, 3, 4, 9].map(attempts =>
      Math.round(retryDelay(failed('git_unreachable', { attempts }), longest)! / 1000),
    )
    expect(bounds).toEqual([15, 30, 60, 120, 600])
  })

  test('waits at least as long as the other side asks, but not for ever', () => {
    expect(retryDelay(failed('claude_unavailable', { retryAfterMs: 120_000 }), shortest)).toBe(120_000)
    expect(retryDelay(failed('claude_unavailable', { retryAfterMs: 1e12 }), shortest)).toBe(3_600_000)
  })

  test('no chance and no number of attempts leads beyond the cap or below zero', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAILURE_CODES),
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (code, attempts, chance) => {
          const delay = retryDelay(failed(code, { attempts, maxAttempts: 20_000 }), () => chance)
          if (delay !== null) expect(delay).toBeGreaterThanOrEqual(0)
          if (delay !== null) expect(delay).toBeLessThanOrEqual(600_000)
        },
      ),
    )
  })
})

import { FAILURE_CODES, type FailureCode } from '@flowforge/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FailedAttempt, retryDelay } from './retry-policy.ts'

const failed = (code: FailureCode, change: Partial<FailedAttempt> = {}): FailedAttempt => ({
  ...{ code, failures: 1, maxAttempts: 10, sameFailures: 1, quickLosses: 1 },
  ...change,
})
const longest = () => 0.999_999
const shortest = () => 0
const TRANSIENT = [
  'worker_lost',
  'agent_crashed',
  'no_progress',
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

  test.each(
    FAILURE_CODES.filter(code => code !== 'worker_lost'),
  )('%s is the end when all attempts are used up', code => {
    expect(retryDelay(failed(code, { failures: 2, maxAttempts: 2 }), shortest)).toBeNull()
  })

  test.each([
    'agent_crashed',
    'no_progress',
  ] as const)('%s is tried again once, whatever else happened in between', code => {
    expect(retryDelay(failed(code, { failures: 3, sameFailures: 1 }), shortest)).toBe(0)
    expect(retryDelay(failed(code, { failures: 3, sameFailures: 2 }), shortest)).toBeNull()
  })

  test('a lost worker costs none of the attempts of the job', () => {
    expect(
      retryDelay(failed('worker_lost', { failures: 1, maxAttempts: 1, sameFailures: 30 }), longest),
    ).toBe(0)
  })

  test('a job whose workers are lost again and again soon after its start waits longer each time, and ends', () => {
    const delays = [1, 2, 3, 4, 5, 12, 19, 20].map(quickLosses =>
      retryDelay(failed('worker_lost', { quickLosses }), longest),
    )
    expect(delays.map(ms => ms && Math.round(ms / 1000))).toEqual([0, 0, 5, 10, 20, 300, 300, null])
  })

  test('waits up to twice as long each time, up to a cap', () => {
    const bounds = [1, 2, 3, 4, 9].map(failures =>
      Math.round(retryDelay(failed('git_unreachable', { failures }), longest)! / 1000),
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
        (code, times, chance) => {
          const counts = { failures: times, quickLosses: times, maxAttempts: 20_000 }
          const delay = retryDelay(failed(code, counts), () => chance)
          if (delay !== null) expect(delay).toBeGreaterThanOrEqual(0)
          if (delay !== null) expect(delay).toBeLessThanOrEqual(600_000)
        },
      ),
    )
  })
})

import { STAGES } from '@flowforge/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { silenceLimitMs, untilStalled, type Watched } from './no-progress.ts'

const limits = { transferMs: 20, commandMs: 100 }

/** A container whose signs of life and stage a test sets. */
const watch = (change: Partial<Watched> = {}) => {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const stalled = untilStalled(
    { activity: () => 0, now: async () => ({ state: 'running', stage: 'cloning' }), limits, ...change },
    abort.signal,
  )
  stalled.catch(() => {})
  return { stalled, abort }
}

describe('a container that is silent', () => {
  test('has stalled when its stage is silent for longer than it may', async () => {
    expect(await watch().stalled).toEqual({ stage: 'cloning', limitMs: 20 })
  })

  test('may run a command for as long as a command may run', async () => {
    let clockMs = 0
    const clock = () => {
      clockMs += 5
      return clockMs
    }
    const { stalled } = watch({ now: async () => ({ state: 'running', stage: 'working' }), clock })
    expect(await stalled).toEqual({ stage: 'working', limitMs: 120 })
    expect(clockMs).toBeGreaterThan(120)
  })

  test('has not stalled while anything changes', async () => {
    let looks = 0
    const activity = () => {
      looks = Math.min(looks + 1, 200)
      return looks
    }
    const { stalled } = watch({ activity })
    await stalled
    expect(looks).toBe(200)
  })

  test('has not stalled while its job waits for a person', async () => {
    let asked = 0
    const now = async () => {
      asked += 1
      return { state: asked < 5 ? ('waiting' as const) : ('running' as const), stage: 'cloning' as const }
    }
    await watch({ now }).stalled
    expect(asked).toBe(5)
  })

  test('is watched no longer when nobody wants to know', async () => {
    const { stalled, abort } = watch({ limits: { transferMs: 60_000, commandMs: 0 } })
    abort.abort(new Error('it has ended'))
    await expect(stalled).rejects.toThrow()
  })
})

test('every stage has a limit', () => {
  for (const stage of [...STAGES, null]) expect(silenceLimitMs(stage, limits)).toBeGreaterThanOrEqual(20)
})

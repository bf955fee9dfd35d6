// The time limit of one attempt in this worker's hands: runs while it works, stands still while it waits for a person.
// Told by the database what is so; counts in between by this process's monotonic clock.
import type { AttemptPulse } from '../store/attempts.ts'

export type Timing = Pick<AttemptPulse, 'waited_ms' | 'remaining_ms'>

export interface AttemptClock {
  /** Since when it waits, in monotonic milliseconds; null: it works. */
  waitingSince(): number | null
  /** True when it has begun or ended to wait by this. */
  set(timing: Timing): boolean
  stop(): void
}

/** Node.js fires what lies further ahead at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

export function startClock(first: Timing, onDeadline: () => void): AttemptClock {
  let timer: NodeJS.Timeout | undefined
  let since: number | null = null
  const set = ({ waited_ms, remaining_ms }: Timing): boolean => {
    const wasWaiting = since !== null
    since = waited_ms === null ? null : performance.now() - waited_ms
    clearTimeout(timer)
    timer =
      since === null ? setTimeout(onDeadline, Math.min(MAX_TIMER_MS, Math.max(0, remaining_ms))) : undefined
    return wasWaiting !== (since !== null)
  }
  set(first)
  return { waitingSince: () => since, set, stop: () => clearTimeout(timer) }
}

// Keeps an agent that tries the same thing in a loop from filling its job's story. Knows nothing of what is tried.
import type { GatewayAttempt } from './attempt.ts'

const MAX_DISTINCT = 200

/** Passes a report on the first time that an attempt gives rise to it, and no more than its first few hundred. */
export function reportOnce<Report extends object>(
  report: ((attempt: GatewayAttempt, what: Report) => void) | undefined,
  maxDistinct = MAX_DISTINCT,
): (attempt: GatewayAttempt, what: Report) => void {
  const reported = new WeakMap<GatewayAttempt, Set<string>>()
  return (attempt, what) => {
    const known = reported.get(attempt) ?? new Set()
    reported.set(attempt, known)
    const key = JSON.stringify(what)
    if (known.has(key) || known.size >= maxDistinct) return
    known.add(key)
    report?.(attempt, what)
  }
}

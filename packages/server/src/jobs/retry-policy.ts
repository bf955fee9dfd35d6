// Which failures are tried again by themselves, and after how long. Pure: chance is an input.
import type { FailureCode } from '@flowforge/protocol'

interface Rule {
  /** Bound of the first delay; doubles with each further retry, up to `capMs`. */
  firstMs: number
  capMs: number
  /** Of this failure, between two retries by a person. Absent: as many as `maxAttempts` leaves. */
  times?: number
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

/**
 * What passes by itself. Everything else needs a person first: a corrected command, a credential, an image, a budget.
 *
 * | code               | why it may pass                                                                     |
 * |--------------------|-------------------------------------------------------------------------------------|
 * | worker_lost        | nothing is wrong with the job                                                       |
 * | agent_crashed      | once: what crashes twice crashes always                                             |
 * | claude_unavailable | Claude Code has tried for minutes; an outage ends                                   |
 * | git_unreachable    | the Git host comes back                                                             |
 * | no_capacity        | other jobs end, the engine comes back                                               |
 * | disk_full          | other jobs end, or somebody makes room                                              |
 */
const RULES: Partial<Record<FailureCode, Rule>> = {
  worker_lost: { firstMs: 0, capMs: 0 },
  agent_crashed: { firstMs: 5 * SECOND, capMs: 5 * SECOND, times: 1 },
  claude_unavailable: { firstMs: 30 * SECOND, capMs: 10 * MINUTE },
  git_unreachable: { firstMs: 15 * SECOND, capMs: 10 * MINUTE },
  no_capacity: { firstMs: 10 * SECOND, capMs: 5 * MINUTE },
  disk_full: { firstMs: MINUTE, capMs: 10 * MINUTE },
}

/** Every cap is reached long before; twice for ever would be infinite. */
const MAX_DOUBLINGS = 20
/** Longer than this nobody is believed. */
const MAX_RETRY_AFTER_MS = 60 * MINUTE

export interface FailedAttempt {
  code: FailureCode
  /** Attempts since the job was submitted, or a person retried it; this one counts. */
  attempts: number
  maxAttempts: number
  /** How many of them ended with this code; this one counts. */
  sameFailures: number
  /** What the other side asked for. */
  retryAfterMs?: number
}

/** Milliseconds until the next attempt; null when the job has failed. `random` gives 0 (included) to 1. */
export function retryDelay(failed: FailedAttempt, random: () => number): number | null {
  const rule = RULES[failed.code]
  if (!rule || failed.attempts >= failed.maxAttempts) return null
  if (rule.times !== undefined && failed.sameFailures > rule.times) return null
  // Full jitter: jobs that failed together do not come back together.
  const bound = Math.min(rule.capMs, rule.firstMs * 2 ** Math.min(failed.attempts - 1, MAX_DOUBLINGS))
  const asked = Math.min(failed.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return Math.round(asked + random() * bound)
}

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
 * | worker_lost        | nothing is wrong with the job; it costs none of its attempts (see `afterLoss`)       |
 * | agent_crashed      | once: what crashes twice crashes always                                             |
 * | no_progress        | once: a hung process or connection is rarely met twice                              |
 * | claude_unavailable | Claude Code has tried for minutes; an outage ends                                   |
 * | git_unreachable    | the Git host comes back                                                             |
 * | no_capacity        | other jobs end, the engine comes back                                               |
 * | disk_full          | other jobs end, or somebody makes room                                              |
 */
const RULES: Partial<Record<FailureCode, Rule>> = {
  agent_crashed: { firstMs: 5 * SECOND, capMs: 5 * SECOND, times: 1 },
  no_progress: { firstMs: 5 * SECOND, capMs: 5 * SECOND, times: 1 },
  claude_unavailable: { firstMs: 30 * SECOND, capMs: 10 * MINUTE },
  git_unreachable: { firstMs: 15 * SECOND, capMs: 10 * MINUTE },
  no_capacity: { firstMs: 10 * SECOND, capMs: 5 * MINUTE },
  disk_full: { firstMs: MINUTE, capMs: 10 * MINUTE },
}

/** Every cap is reached long before; twice for ever would be infinite. */
const MAX_DOUBLINGS = 20
/** Longer than this nobody is believed. */
const MAX_RETRY_AFTER_MS = 60 * MINUTE

/**
 * A worker that is lost so soon after the claim may have been killed by the job; one that worked for longer was not. A
 * night of crashes fails no job, and a job that takes its worker down each time ends after an hour of them.
 */
export const QUICK_LOSS_SECONDS = 10 * 60
const MAX_QUICK_LOSSES = 20
const LOSS_RULE: Rule = { firstMs: 5 * SECOND, capMs: 5 * MINUTE }
/** The first ones cost no time: where one machine goes down, another takes the job at once. */
const LOSSES_WITHOUT_DELAY = 2

export interface FailedAttempt {
  code: FailureCode
  /** That failed by themselves since the job was submitted, or a person retried it; this one counts, a lost worker does not. */
  failures: number
  maxAttempts: number
  /** How many ended with this code; this one counts. */
  sameFailures: number
  /** How many workers in a row were lost soon after the claim; this one counts. */
  quickLosses: number
  /** What the other side asked for. */
  retryAfterMs?: number
}

/** Milliseconds until the next attempt; null when the job has failed. `random` gives 0 (included) to 1. */
export function retryDelay(failed: FailedAttempt, random: () => number): number | null {
  if (failed.code === 'worker_lost') return afterLoss(failed, random)
  const rule = RULES[failed.code]
  if (!rule || failed.failures >= failed.maxAttempts) return null
  if (rule.times !== undefined && failed.sameFailures > rule.times) return null
  const asked = Math.min(failed.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)
  return Math.round(asked + jittered(rule, failed.failures, random))
}

function afterLoss({ quickLosses }: FailedAttempt, random: () => number): number | null {
  if (quickLosses >= MAX_QUICK_LOSSES) return null
  if (quickLosses <= LOSSES_WITHOUT_DELAY) return 0
  return Math.round(jittered(LOSS_RULE, quickLosses - LOSSES_WITHOUT_DELAY, random))
}

/** Full jitter: jobs that failed together do not come back together. */
const jittered = (rule: Rule, times: number, random: () => number): number =>
  random() * Math.min(rule.capMs, rule.firstMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS))

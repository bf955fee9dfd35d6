// Ends an attempt and, with it, the job or its return to the queue. One transaction, fenced by the holder's epoch:
// of two that would settle, one wins and the other learns that its lease is lost.
import type { JobResult, NewEvent, Reason } from '@flowforge/protocol'
import { countEnds, endAttempt, type Holder } from '../store/attempts.ts'
import { markMessagesTold } from '../store/conversations.ts'
import type { Database, Transaction } from '../store/database.ts'
import { delayJob, type JobRow, updateJob } from '../store/jobs.ts'
import { asHolder } from './as-holder.ts'
import { tellDependents } from './dependents.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { type FailedAttempt, QUICK_LOSS_SECONDS, retryDelay } from './retry-policy.ts'
import { after } from './states.ts'
import { reopen } from './tell.ts'
import { queueAgain } from './wait.ts'

export type Outcome =
  /** `reused`: the job whose result it is. */
  | {
      kind: 'succeeded'
      headCommit: string | null
      result: JobResult
      reused?: { jobId: string; number: number }
    }
  /** Back into the queue when the retry policy says so, else the end. */
  | { kind: 'failed'; reason: Reason; headCommit?: string | null; retryAfterMs?: number }
  | { kind: 'cancelled' }
  /** Waits for a person without a container, or goes on at once when somebody has answered meanwhile. */
  | { kind: 'parked' }
  /** Back into the queue at once, whatever the policy says: nothing is wrong with the job. */
  | { kind: 'requeued'; reason: Reason }

export interface SettleContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
  /** 0 to 1; tests give their own. */
  random?: () => number
}

/** Throws `lease_lost` when the attempt is no longer the holder's. */
export function settleAttempt(
  context: SettleContext,
  jobId: string,
  holder: Holder,
  outcome: Outcome,
): Promise<JobRow> {
  return asHolder(context.database, jobId, holder, async (tx, job) => {
    await endAttempt(tx, holder, outcome.kind, outcome.kind === 'failed' ? outcome.reason.code : null)
    return applyOutcome(tx, context, job, outcome)
  })
}

/** The caller has ended the attempt in the same transaction. */
export async function applyOutcome(
  tx: Transaction,
  context: SettleContext,
  job: JobRow,
  wanted: Outcome,
): Promise<JobRow> {
  // A person's cancel stands above a failure or a retry, but not above a success that is already published.
  const outcome: Outcome =
    job.cancel_requested_at && wanted.kind !== 'succeeded' ? { kind: 'cancelled' } : wanted
  switch (outcome.kind) {
    case 'succeeded': {
      const { result, headCommit, reused } = outcome
      const done = await updateJob(tx, job.id, {
        state: after(job.state, 'succeed'),
        result,
        head_commit: headCommit,
        published_commit: headCommit ?? undefined,
        reason: null,
        cached_from: reused?.jobId,
        cached_from_number: reused?.number,
      })
      await context.events.append(tx, done, [
        ...(reused ? [{ type: 'result.reused' as const, data: reused }] : []),
        { type: 'job.succeeded', data: { branch: job.branch, headCommit: headCommit ?? undefined, result } },
      ])
      // Somebody wrote while the result was on its way, too late for Claude to hear it: one turn more, which is told of it
      // at its start. Never two for the same words, whatever a runner says it has heard.
      if (job.messages > job.messages_told) {
        await markMessagesTold(tx, job.id, job.messages)
        return reopen(tx, context, done, undefined)
      }
      await tellDependents(tx, context, [done])
      return done
    }
    case 'failed': {
      const { reason, headCommit } = outcome
      const delayMs = await retryDelayOf(tx, context, job, outcome)
      if (delayMs !== null) return requeue(tx, context, job, reason, delayMs)
      const failed = await updateJob(tx, job.id, {
        state: after(job.state, 'fail'),
        reason,
        head_commit: headCommit,
      })
      await context.events.append(tx, failed, [{ type: 'job.failed', data: { reason } }])
      await tellDependents(tx, context, [failed])
      return failed
    }
    case 'cancelled': {
      const cancelled = await updateJob(tx, job.id, { state: after(job.state, 'cancel') })
      await context.events.append(tx, cancelled, [
        { type: 'job.cancelled', data: { by: job.cancelled_by ?? undefined } },
      ])
      await tellDependents(tx, context, [cancelled])
      return cancelled
    }
    case 'parked': {
      await context.events.append(tx, job, [{ type: 'attempt.parked', data: { number: job.attempt } }])
      return job.state === 'waiting' ? job : queueAgain(tx, context, job)
    }
    case 'requeued':
      return requeue(tx, context, job, outcome.reason, 0)
  }
}

async function retryDelayOf(
  tx: Transaction,
  context: SettleContext,
  job: JobRow,
  { reason, retryAfterMs }: Extract<Outcome, { kind: 'failed' }>,
): Promise<number | null> {
  const ends = await countEnds(tx, job.id, {
    code: reason.code,
    afterNumber: job.attempts_before,
    quickSeconds: QUICK_LOSS_SECONDS,
  })
  const failed: FailedAttempt = { code: reason.code, maxAttempts: job.max_attempts, retryAfterMs, ...ends }
  return retryDelay(failed, context.random ?? Math.random)
}

async function requeue(
  tx: Transaction,
  context: SettleContext,
  job: JobRow,
  reason: Reason,
  delayMs: number,
): Promise<JobRow> {
  if (job.state === 'waiting') return keepWaiting(tx, context, job, reason)
  const queued = await updateJob(tx, job.id, { state: after(job.state, 'requeue'), stage: null })
  if (delayMs > 0) await delayJob(tx, job.id, delayMs)
  const retried: NewEvent = { type: 'job.retried', data: { automatic: true, reason, delayMs } }
  await context.events.append(tx, queued, [retried, { type: 'job.queued', data: {} }])
  await context.doorbell.ring(tx, [queued.id], delayMs)
  return queued
}

/** A question stays asked when its container is gone: there is nothing to do for another one before the answer. */
async function keepWaiting(
  tx: Transaction,
  context: SettleContext,
  job: JobRow,
  reason: Reason,
): Promise<JobRow> {
  const text = `${reason.message} The job goes on waiting; an answer starts another container.`
  await context.events.append(tx, job, [{ type: 'log', data: { stream: 'system', text } }])
  return job
}

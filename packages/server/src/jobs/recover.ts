// Finds attempts whose holder fell silent, ends them, and queues their jobs again or fails them. Any number of
// sweepers may run: each takes the row's lock and looks again.
import { endAttempt } from '../store/attempts.ts'
import { lockJob } from '../store/jobs.ts'
import { findExpired, lockIfExpired } from '../store/leases.ts'
import { reasonOf } from './failures.ts'
import { applyOutcome, type SettleContext } from './settle.ts'

const BATCH = 50

/** How long an expired attempt is left to those who can adopt it. With the lease and a sweep, less than two leases. */
export const adoptionGraceSeconds = (leaseSeconds: number): number =>
  Math.max(leaseSeconds / 2, leaseSeconds - 5)

/** Returns how many attempts were lost. One that can't be recovered does not keep the others waiting. */
export async function recoverLostAttempts(context: SettleContext, graceSeconds: number): Promise<number> {
  const lost = await context.database.acrossOrganizations(tx => findExpired(tx, graceSeconds, BATCH))
  let recovered = 0
  const failures: unknown[] = []
  for (const candidate of lost) {
    try {
      if (await recoverAttempt(context, candidate.id, candidate.job_id, graceSeconds)) recovered += 1
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'attempts could not be recovered')
  return recovered
}

export const recoverAttempt = (
  context: SettleContext,
  attemptId: string,
  jobId: string,
  graceSeconds: number,
): Promise<boolean> =>
  context.database.acrossOrganizations(async tx => {
    const job = await lockJob(tx, jobId)
    const attempt = await lockIfExpired(tx, attemptId, graceSeconds)
    if (!job || !attempt) return false
    await endAttempt(tx, { attemptId, epoch: attempt.epoch }, 'lost', 'worker_lost')
    const reason = reasonOf('worker_lost', `The worker that ran attempt ${attempt.number} fell silent.`)
    await context.events.append(tx, job, [
      { type: 'attempt.lost', data: { number: attempt.number, reason: reason.message } },
    ])
    await applyOutcome(tx, context, job, { kind: 'failed', reason })
    return true
  })

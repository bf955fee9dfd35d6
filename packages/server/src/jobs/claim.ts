// Claims queued jobs for a worker: the conditional update that makes a new attempt. Fairness and limits are decided here alone.
import { v7 as uuidv7 } from 'uuid'
import { type AttemptRow, insertAttempt } from '../store/attempts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type JobRow, lockClaimable, lockDue, updateJob } from '../store/jobs.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'

export interface Claim {
  job: JobRow
  attempt: AttemptRow
}

export interface Claimer {
  workerId: string
  executor: string
  /** Names the data folder of doors and mirrors: who shares it can adopt. */
  place: string
  leaseSeconds: number
}

export function claimJobs(
  context: { database: Database; events: EventLog },
  claimer: Claimer,
  limit: number,
  /** Ids for the new attempts: of containers that were started ahead, then new ones. */
  attemptIds: string[],
): Promise<Claim[]> {
  return context.database.acrossOrganizations(async tx => {
    const jobs = await lockClaimable(tx, limit)
    const claims: Claim[] = []
    for (const [index, job] of jobs.entries()) {
      claims.push(await claimJob(tx, context.events, claimer, job, attemptIds[index] ?? uuidv7()))
    }
    return claims
  })
}

async function claimJob(
  tx: Transaction,
  events: EventLog,
  claimer: Claimer,
  job: JobRow,
  attemptId: string,
): Promise<Claim> {
  const number = job.attempt + 1
  const claimed = await updateJob(tx, job.id, {
    state: after(job.state, 'claim'),
    attempt: number,
    stage: 'preparing_repository',
  })
  const attempt = await insertAttempt(tx, {
    id: attemptId,
    jobId: job.id,
    organizationId: job.organization_id,
    number,
    workerId: claimer.workerId,
    place: claimer.place,
    leaseSeconds: claimer.leaseSeconds,
    timeoutSeconds: job.timeout_seconds,
  })
  await events.append(tx, claimed, [
    { type: 'job.started', data: { workerId: claimer.workerId } },
    { type: 'attempt.started', data: { number, workerId: claimer.workerId, executor: claimer.executor } },
    { type: 'job.stage', data: { stage: 'preparing_repository' } },
  ])
  return { job: claimed, attempt }
}

const DUE_BATCH = 100

/** Queues the pending jobs whose `runAt` has come. */
export function releaseDueJobs(context: {
  database: Database
  events: EventLog
  doorbell: Doorbell
}): Promise<number> {
  return context.database.acrossOrganizations(async tx => {
    const due = await lockDue(tx, DUE_BATCH)
    for (const job of due) {
      const released = await updateJob(tx, job.id, { state: after(job.state, 'release') })
      await context.events.append(tx, released, [{ type: 'job.queued', data: {} }])
    }
    if (due.length > 0) await context.doorbell.ring(tx)
    return due.length
  })
}

// Cancels a job: at once where no attempt lives, else by telling the holder, who ends the container first.
import { findLiveAttempt } from '../store/attempts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type JobRow, lockJob, requestCancel, updateJob } from '../store/jobs.ts'
import { type DependentsContext, tellDependents } from './dependents.ts'
import { lockNamedJob } from './named-job.ts'
import type { AttemptSignal } from './ports.ts'
import { after } from './states.ts'
import type { Submitter } from './submission.ts'

export interface CancelContext extends DependentsContext {
  database: Database
  signal: AttemptSignal
}

/** A finished job is left as it is: `job_state_conflict`. Cancelling twice is no error while the job still runs. */
export const cancelJob = (context: CancelContext, by: Submitter, reference: string): Promise<JobRow> =>
  context.database.inOrganization(by.organizationId, async tx =>
    cancelLocked(tx, context, by, await lockNamedJob(tx, by.organizationId, reference)),
  )

/** The caller holds the job's lock. */
export async function cancelLocked(
  tx: Transaction,
  context: Omit<CancelContext, 'database'>,
  by: Submitter,
  job: JobRow,
): Promise<JobRow> {
  const next = after(job.state, 'cancel')
  const live = await findLiveAttempt(tx, job.id)
  await requestCancel(tx, job.id, by.userId)
  if (live) {
    await context.signal.send(tx, live.id)
    return (await lockJob(tx, job.id))!
  }
  const cancelled = await updateJob(tx, job.id, { state: next, cancelled_by: by.userId })
  await context.events.append(tx, cancelled, [
    { type: 'job.cancelled', data: { by: by.userId ?? undefined } },
  ])
  await tellDependents(tx, context, [cancelled])
  return cancelled
}

// A person's retry of a job that failed or was cancelled: back into the queue, with its attempts to spend anew.
import { FlowForgeError } from '../errors.ts'
import { closeApprovals } from '../store/conversations.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type Answer, answerOnce, type Once } from '../store/idempotency.ts'
import { type JobRow, updateJob } from '../store/jobs.ts'
import { verdictOnNamed } from './dependents.ts'
import { lockNamedJob, requireJob } from './named-job.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'
import type { Submitter } from './submission.ts'
import { pendingFor } from './submit.ts'

export interface RetryContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

/** In any other state the job is left as it is: `job_state_conflict`. */
export const retryJob = (context: RetryContext, by: Submitter, reference: string): Promise<JobRow> =>
  context.database.inOrganization(by.organizationId, tx => retry(tx, context, by, reference))

/** The same for a request that may be sent twice. */
export const retryJobOnce = <Body>(
  context: RetryContext,
  by: Submitter,
  reference: string,
  once: Once | null,
  view: (job: JobRow) => Body,
): Promise<Answer<Body>> =>
  context.database.inOrganization(by.organizationId, tx =>
    answerOnce(tx, by.organizationId, once, async () => ({
      status: 200,
      body: view(await retry(tx, context, by, reference)),
    })),
  )

async function retry(
  tx: Transaction,
  context: RetryContext,
  by: Submitter,
  reference: string,
): Promise<JobRow> {
  // Which jobs it needs never changes: they can be read before it is locked.
  const verdict = await verdictOnNamed(
    tx,
    by.organizationId,
    await requireJob(tx, by.organizationId, reference),
  )
  const job = await lockNamedJob(tx, by.organizationId, reference)
  const queued = after(job.state, 'retry')
  if (verdict.kind === 'lost')
    throw new FlowForgeError(
      'job_state_conflict',
      `${verdict.reason.message} Retry that job first, then this one.`,
    )
  await closeApprovals(tx, job.id)
  const state = verdict.kind === 'waits' ? after(job.state, 'postpone') : queued
  const again = await updateJob(tx, job.id, {
    state,
    attempts_before: job.attempt,
    cancelled_by: null,
    reason: null,
    run_at: null,
  })
  await context.events.append(tx, again, [
    { type: 'job.retried', data: { by: by.userId ?? undefined, automatic: false } },
    state === 'queued' ? { type: 'job.queued', data: {} } : { type: 'job.pending', data: pendingFor(again) },
  ])
  if (state === 'queued') await context.doorbell.ring(tx, [again.id])
  return again
}

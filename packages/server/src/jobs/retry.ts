// A person's retry of a job that failed or was cancelled: back into the queue, with its attempts to spend anew.
import { closeApprovals } from '../store/conversations.ts'
import type { Database } from '../store/database.ts'
import { type JobRow, updateJob } from '../store/jobs.ts'
import { lockNamedJob } from './named-job.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'
import type { Submitter } from './submit.ts'

export interface RetryContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

/** In any other state the job is left as it is: `job_state_conflict`. */
export const retryJob = (context: RetryContext, by: Submitter, reference: string): Promise<JobRow> =>
  context.database.inOrganization(by.organizationId, async tx => {
    const job = await lockNamedJob(tx, by.organizationId, reference)
    await closeApprovals(tx, job.id)
    const queued = await updateJob(tx, job.id, {
      state: after(job.state, 'retry'),
      attempts_before: job.attempt,
      cancelled_by: null,
      reason: null,
    })
    await context.events.append(tx, queued, [
      { type: 'job.retried', data: { by: by.userId, automatic: false } },
      { type: 'job.queued', data: {} },
    ])
    await context.doorbell.ring(tx, [queued.id])
    return queued
  })

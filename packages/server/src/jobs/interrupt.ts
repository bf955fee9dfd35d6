// Interrupts Claude's turn: the container stays, what is there is committed and pushed, and the job ends with it.
import { FlowForgeError } from '../errors.ts'
import { addCommand, findLiveAttempt } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import type { JobRow } from '../store/jobs.ts'
import { lockNamedJob } from './named-job.ts'
import type { AttemptSignal, EventLog } from './ports.ts'
import type { Submitter } from './submission.ts'

export interface InterruptContext {
  database: Database
  events: EventLog
  signal: AttemptSignal
}

/** Only while the agent works, or waits for a person in its container: `job_state_conflict` otherwise. Interrupting twice is no error while it still does. */
export const interruptJob = (context: InterruptContext, by: Submitter, reference: string): Promise<JobRow> =>
  context.database.inOrganization(by.organizationId, async tx => {
    const job = await lockNamedJob(tx, by.organizationId, reference)
    const attempt = await findLiveAttempt(tx, job.id)
    if (!attempt || attempt.reports.agent) {
      const alone = job.state === 'waiting' ? 'that waits without a container' : `that is ${job.state}`
      const what = attempt ? 'whose agent has finished' : alone
      throw new FlowForgeError('job_state_conflict', `A job ${what} can not be interrupted.`, {
        details: { state: job.state, act: 'interrupt' },
      })
    }
    const isNew = await addCommand(tx, attempt, { type: 'interrupt' })
    if (!isNew) return job
    await context.events.append(tx, job, [{ type: 'log', data: { stream: 'system', text: TOLD } }])
    await context.signal.send(tx, attempt.id)
    return job
  })

const TOLD = 'A person interrupted the work: what is there is committed and pushed.'

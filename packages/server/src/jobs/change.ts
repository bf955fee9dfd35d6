// A person changes a job after its submission: its place in the queue, its time, its budget.
import type { Priority } from '@flowforge/protocol'
import { isTerminal } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type JobChange, type JobRow, updateJob } from '../store/jobs.ts'
import { verdictOnNamed } from './dependents.ts'
import { lockNamedJob, requireJob } from './named-job.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'
import { type Submitter, startTime } from './submission.ts'
import { pendingFor } from './submit.ts'
import { priorityNumber } from './view.ts'

export interface ChangeContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

export interface Change {
  priority?: Priority
  /** null: no limit. */
  budgetUsd?: number | null
  /** null: as soon as may be. */
  runAt?: Date | null
}

/** All of it or nothing. A job whose state does not allow it is left as it is: `job_state_conflict`. */
export const changeJob = (
  context: ChangeContext,
  by: Submitter,
  reference: string,
  change: Change,
): Promise<JobRow> =>
  context.database.inOrganization(by.organizationId, async tx => {
    // Which jobs it needs never changes: they can be read before it is locked.
    const verdict = await verdictOnNamed(
      tx,
      by.organizationId,
      await requireJob(tx, by.organizationId, reference),
    )
    const job = await lockNamedJob(tx, by.organizationId, reference)
    check(job, change)
    const runAt = change.runAt === undefined ? undefined : startTime(change.runAt ?? undefined, Date.now())
    const columns: JobChange = {
      priority: change.priority === undefined ? undefined : priorityNumber(change.priority),
      budget_usd: change.budgetUsd,
      run_at: runAt,
      state: runAt === undefined ? undefined : stateFor(job, runAt !== null || verdict.kind !== 'ready'),
    }
    const changed = await updateJob(tx, job.id, columns)
    await context.events.append(tx, changed, [
      {
        type: 'job.changed',
        data: { ...change, by: by.userId ?? undefined, runAt: runAt === null ? null : runAt?.toISOString() },
      },
    ])
    if (changed.state !== job.state) await tell(tx, context, changed)
    return changed
  })

function check(job: JobRow, { priority, budgetUsd, runAt }: Change): void {
  const isInQueue = job.state === 'pending' || job.state === 'queued'
  if (!isInQueue && (priority !== undefined || runAt !== undefined))
    throw conflict(
      job,
      `Job #${job.number} is ${job.state}: only a pending or queued job has a priority or a time to change.`,
    )
  if (budgetUsd !== undefined && isTerminal(job.state))
    throw conflict(job, `Job #${job.number} is ${job.state}: its budget can not be changed any more.`)
  if (typeof budgetUsd === 'number' && budgetUsd < job.cost_usd)
    throw new FlowForgeError(
      'budget_below_spent',
      `budgetUsd: job #${job.number} has spent $${job.cost_usd.toFixed(2)} already. Give at least that much, or cancel the job.`,
      {
        details: {
          errors: [{ path: 'budgetUsd', message: `is below the $${job.cost_usd.toFixed(2)} that are spent` }],
        },
      },
    )
}

const conflict = (job: JobRow, message: string) =>
  new FlowForgeError('job_state_conflict', message, { details: { state: job.state, act: 'change' } })

function stateFor(job: JobRow, later: boolean) {
  if (later) return job.state === 'pending' ? undefined : after(job.state, 'postpone')
  return job.state === 'queued' ? undefined : after(job.state, 'release')
}

async function tell(tx: Transaction, context: ChangeContext, job: JobRow): Promise<void> {
  await context.events.append(tx, job, [
    job.state === 'queued'
      ? { type: 'job.queued', data: {} }
      : { type: 'job.pending', data: pendingFor(job) },
  ])
  if (job.state === 'queued') await context.doorbell.ring(tx, [job.id])
}

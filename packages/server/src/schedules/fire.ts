// What happens when a schedule is due: a job, or a reason why there is none; written with the time that was dealt with and
// the next one in one transaction. Any number of processes may try: one holds the row, and the others find it dealt with.
import type { Job } from '@flowforge/protocol'
import type { Logger } from 'pino'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { type CancelContext, cancelLocked } from '../jobs/cancel.ts'
import type { Submitter } from '../jobs/submission.ts'
import { isNumberTaken, submitWithin } from '../jobs/submit.ts'
import { viewJob } from '../jobs/view.ts'
import type { Transaction } from '../store/database.ts'
import { type Answer, answerOnce, type Once } from '../store/idempotency.ts'
import { type JobRow, lockUnfinishedOfSchedule, takeJobNumbers } from '../store/jobs.ts'
import {
  findDueSchedules,
  insertRun,
  lockDueSchedule,
  lockSchedule,
  type RunOutcome,
  type ScheduleRow,
  updateSchedule,
} from '../store/schedules.ts'
import { type DueTimes, readCron } from './cron.ts'
import { requireSchedule, type Template } from './save.ts'

export type FireContext = CancelContext

/** So late a run is still on time: servers are restarted, and another worker takes the sweep over. */
const ON_TIME_MS = 5 * 60_000
const BATCH = 50
/** Runs that stand behind each other (`queue`); what comes then is skipped. */
const MOST_WAITING = 20

interface Run {
  outcome: RunOutcome
  job: JobRow | null
  message: string | null
  error: FlowForgeError | null
}

/** Returns how many due times were dealt with. One that fails does not keep the others waiting. */
export async function fireDueSchedules(context: FireContext & { log: Logger }): Promise<number> {
  const due = await context.database.acrossOrganizations(tx => findDueSchedules(tx, BATCH))
  let fired = 0
  for (const { id, organization_id } of due) {
    try {
      if (await fireSchedule(context, id, organization_id)) fired += 1
    } catch (error) {
      context.log.error({ err: error, scheduleId: id }, 'a schedule could not be run; it is tried again')
    }
  }
  return fired
}

const fireSchedule = (context: FireContext, id: string, organizationId: string): Promise<boolean> =>
  context.database.inOrganization(organizationId, async tx => {
    const schedule = await lockDueSchedule(tx, id)
    if (!schedule) return false
    const times = timesOf(schedule)
    const due = times ? times.last(schedule.next_run_at, schedule.now) : schedule.next_run_at
    const run = times ? await runDue(tx, context, schedule, due) : unreadable(schedule)
    await insertRun(tx, schedule, {
      due_at: due,
      outcome: run.outcome,
      job_id: run.job?.id ?? null,
      message: run.message,
    })
    await record(tx, schedule, run, schedule.now, times?.next(schedule.now) ?? null)
    return true
  })

/** A newer version may read cron otherwise; the row must not stop the others. */
function timesOf({ cron, timezone }: ScheduleRow): DueTimes | null {
  try {
    return readCron(cron, timezone)
  } catch (error) {
    if (isFlowForgeError(error, 'schedule_invalid')) return null
    throw error
  }
}

const unreadable = ({ cron }: ScheduleRow): Run =>
  failed(new FlowForgeError('schedule_invalid', `cron: "${cron}" is never due again.`))
const failed = (error: FlowForgeError): Run => ({
  outcome: 'failed',
  job: null,
  message: error.message,
  error,
})
const none = (outcome: RunOutcome, message: string): Run => ({ outcome, job: null, message, error: null })

async function runDue(
  tx: Transaction,
  context: FireContext,
  schedule: ScheduleRow & { now: Date },
  due: Date,
): Promise<Run> {
  const lateMs = schedule.now.getTime() - due.getTime()
  const isLate = lateMs > ON_TIME_MS
  if (isLate && schedule.missed === 'skip')
    return none('missed', 'FlowForge did not run at this time. The schedule says to skip what was missed.')
  const unfinished = await lockUnfinishedOfSchedule(tx, schedule.id)
  const newest = unfinished.toSorted((a, b) => (a.id < b.id ? 1 : -1))[0]
  if (newest && schedule.overlap === 'skip')
    return none('skipped', `Job #${newest.number} of the run before is still ${newest.state}.`)
  if (newest && schedule.overlap === 'queue' && unfinished.length > MOST_WAITING)
    return none('skipped', `${unfinished.length} runs stand behind each other already.`)
  const startAfter = newest && schedule.overlap === 'queue' ? newest.id : null
  const run = await submitRun(tx, context, schedule, startAfter)
  if (run.job && schedule.overlap === 'cancel_previous')
    for (const job of unfinished) await cancelForNext(tx, context, job)
  return isLate && run.job ? { ...run, message: 'Late: FlowForge did not run at this time.' } : run
}

async function submitRun(
  tx: Transaction,
  context: FireContext,
  schedule: ScheduleRow,
  startAfter: string | null,
): Promise<Run> {
  try {
    const job = await submitFor(tx, context, schedule, startAfter)
    return { outcome: 'submitted', job, message: null, error: null }
  } catch (error) {
    // Refused before anything was written. What the database itself says ends the transaction: it is tried again.
    if (!isFlowForgeError(error) || error.status >= 500) throw error
    return failed(error)
  }
}

async function submitFor(
  tx: Transaction,
  context: FireContext,
  { id, organization_id: organizationId, repository_id, created_by, job }: ScheduleRow,
  startAfter: string | null,
): Promise<JobRow> {
  if (repository_id === null)
    throw new FlowForgeError(
      'repository_not_found',
      'The repository of this schedule was removed. Give it another one, or remove the schedule.',
    )
  const submission = { ...(job as unknown as Template), repositoryId: repository_id }
  // On a connection of its own: the counter is not held until this transaction ends.
  const number = await context.database.inOrganization(organizationId, own =>
    takeJobNumbers(own, organizationId, 1),
  )
  const by: Submitter = { organizationId, userId: created_by }
  const origin = { scheduleId: id, startAfter }
  return (await submitWithin(tx, context, by, [submission], number, { origin }))[0]!
}

async function cancelForNext(tx: Transaction, context: FireContext, job: JobRow): Promise<void> {
  const text = 'The next run of its schedule is due: this one is cancelled.'
  await context.events.append(tx, job, [{ type: 'log', data: { stream: 'system', text } }])
  await cancelLocked(tx, context, { organizationId: job.organization_id, userId: null }, job)
}

const record = (
  tx: Transaction,
  schedule: ScheduleRow,
  { job, error, outcome }: Run,
  now: Date,
  next: Date | null | undefined,
): Promise<ScheduleRow> =>
  updateSchedule(tx, schedule.id, {
    next_run_at: next,
    last_run_at: job ? now : undefined,
    last_job_id: job?.id,
    // A run that was left out is no error, and does not end one.
    last_error: error
      ? { code: error.code, message: error.message, at: now.toISOString() }
      : outcome === 'submitted'
        ? null
        : undefined,
  })

/** A person wants it now: besides the due times, and whatever the schedule says of overlaps. */
export async function runScheduleNow(
  context: FireContext,
  by: Submitter,
  id: string,
  once: Once | null,
): Promise<Answer<Job>> {
  for (;;) {
    try {
      return await context.database.inOrganization(by.organizationId, tx =>
        answerOnce(tx, by.organizationId, once, async () => {
          await requireSchedule(tx, by.organizationId, id)
          const schedule = (await lockSchedule(tx, by.organizationId, id))!
          const job = await submitFor(tx, context, { ...schedule, created_by: by.userId }, null)
          const run: Run = { outcome: 'submitted', job, message: null, error: null }
          const now = job.created_at
          await insertRun(tx, schedule, {
            due_at: now,
            outcome: 'submitted',
            job_id: job.id,
            message: 'Run by a person.',
          })
          await record(tx, schedule, run, now, undefined)
          return { status: 201, body: viewJob(job) }
        }),
      )
    } catch (error) {
      if (!isNumberTaken(error)) throw error
    }
  }
}

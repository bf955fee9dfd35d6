// A job that waits for a person: how it begins to wait, and how it goes on. Both under the job's row lock.
import type { NewEvent, RequestKind, WaitingFor } from '@flowforge/protocol'
import { type AttemptRow, moveDeadline } from '../store/attempts.ts'
import { closeApprovals, insertApproval, listPendingApprovals } from '../store/conversations.ts'
import type { Transaction } from '../store/database.ts'
import { type JobRow, updateJob } from '../store/jobs.ts'
import type { AttemptSignal, Doorbell, EventLog } from './ports.ts'
import { after, isAllowed } from './states.ts'

export interface WaitContext {
  events: EventLog
  doorbell: Doorbell
  signal: AttemptSignal
}
type LiveWaitContext = Pick<WaitContext, 'events' | 'signal'>

/** A runner that asks for more at once is not asking anybody. */
const MAX_PENDING = 100

const WAITING_FOR: Record<RequestKind, WaitingFor> = {
  question: 'question',
  tool: 'question',
  plan: 'plan',
  reply: 'reply',
}

/** Records what a runner asks of people, already in the story. Returns the job, which waits from the first request on. */
export async function recordRequests(
  tx: Transaction,
  context: LiveWaitContext,
  job: JobRow,
  attempt: Pick<AttemptRow, 'id' | 'number'>,
  events: NewEvent[],
): Promise<JobRow> {
  let now = job
  for (const event of events) {
    if (event.type !== 'approval.requested') continue
    if ((await listPendingApprovals(tx, job.id)).length >= MAX_PENDING) continue
    const isNew = await insertApproval(tx, job, { ...event.data, attempt: attempt.number })
    if (isNew && isAllowed(now.state, 'park')) now = await park(tx, context, now, attempt, event.data.kind)
  }
  return now
}

async function park(
  tx: Transaction,
  context: LiveWaitContext,
  job: JobRow,
  attempt: Pick<AttemptRow, 'id'>,
  kind: RequestKind,
): Promise<JobRow> {
  const waitingFor = WAITING_FOR[kind]
  const waiting = await updateJob(tx, job.id, { state: after(job.state, 'park'), waiting_for: waitingFor })
  await context.events.append(tx, waiting, [{ type: 'job.waiting', data: { waitingFor } }])
  // Its holder stops the clock, and takes another job meanwhile.
  await context.signal.send(tx, attempt.id)
  return waiting
}

/** When nothing is left to decide: on with the live attempt, or back into the queue for another. */
export async function goOn(
  tx: Transaction,
  context: WaitContext,
  job: JobRow,
  live: AttemptRow | undefined,
): Promise<JobRow> {
  if (job.state !== 'waiting' || (await listPendingApprovals(tx, job.id)).length > 0) return job
  return live ? resume(tx, context, job, live) : queueAgain(tx, context, job)
}

async function resume(
  tx: Transaction,
  context: LiveWaitContext,
  job: JobRow,
  live: Pick<AttemptRow, 'id'>,
): Promise<JobRow> {
  await moveDeadline(tx, live.id)
  const running = await updateJob(tx, job.id, { state: after(job.state, 'resume') })
  await context.events.append(tx, running, [{ type: 'job.resumed', data: {} }])
  await context.signal.send(tx, live.id)
  return running
}

/** For an attempt that goes on where the parked one stopped. */
export async function queueAgain(
  tx: Transaction,
  context: Pick<WaitContext, 'events' | 'doorbell'>,
  job: JobRow,
): Promise<JobRow> {
  const queued = await updateJob(tx, job.id, {
    state: after(job.state, 'requeue'),
    stage: null,
  })
  await context.events.append(tx, queued, [{ type: 'job.queued', data: {} }])
  await context.doorbell.ring(tx, [queued.id])
  return queued
}

/** The runner has its last word although something is asked: it was interrupted, and nobody needs an answer any more. */
export async function stopWaiting(
  tx: Transaction,
  context: LiveWaitContext,
  job: JobRow,
  live: Pick<AttemptRow, 'id'>,
): Promise<void> {
  if (job.state !== 'waiting') return
  await closeApprovals(tx, job.id)
  await resume(tx, context, job, live)
}

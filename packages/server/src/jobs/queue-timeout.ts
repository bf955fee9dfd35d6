// Ends jobs that waited in the queue for longer than they may, and says what held them back: nothing waits for ever.
import type { Database } from '../store/database.ts'
import { updateJob } from '../store/jobs.ts'
import { findQueueFacts, lockOverdue, type QueueFacts } from '../store/queue.ts'
import { tellDependents } from './dependents.ts'
import { reasonOf } from './failures.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'

/** A night's work may queue for days behind itself; a week means that nobody looks after it. */
export const DEFAULT_QUEUE_TIMEOUT_SECONDS = 7 * 24 * 3600
const BATCH = 100

export interface QueueTimeoutContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

/** Returns how many ended. */
export const endOverdueJobs = (context: QueueTimeoutContext, workerSilentSeconds: number): Promise<number> =>
  context.database.acrossOrganizations(async tx => {
    const overdue = await lockOverdue(tx, DEFAULT_QUEUE_TIMEOUT_SECONDS, BATCH)
    for (const job of overdue) {
      const seconds = job.queue_timeout_seconds ?? DEFAULT_QUEUE_TIMEOUT_SECONDS
      const why = whyQueued(await findQueueFacts(tx, job, workerSilentSeconds))
      const reason = reasonOf('no_capacity', `The job waited ${seconds} seconds in the queue: ${why}.`)
      const failed = await updateJob(tx, job.id, { state: after(job.state, 'fail'), reason })
      await context.events.append(tx, failed, [{ type: 'job.failed', data: { reason } }])
      await tellDependents(tx, context, [failed])
    }
    return overdue.length
  })

/** The first thing that somebody would have to change. */
export function whyQueued(facts: QueueFacts): string {
  if (facts.live_workers === 0) return 'no worker was there to take it'
  if (facts.branch_taken_by !== null) return `job #${facts.branch_taken_by} works on the same branch`
  if (isReached(facts.repository_running, facts.repository_limit))
    return `its repository runs ${facts.repository_running} jobs at once, as many as it may`
  if (isReached(facts.organization_running, facts.organization_limit))
    return `its organization runs ${facts.organization_running} jobs at once, as many as it may`
  return 'every worker was busy with other jobs'
}

const isReached = (running: number, limit: number | null): boolean => limit !== null && running >= limit

// How long the queue is, and why its oldest job still waits. Names nothing of that job: who asks may be of another organization.
import type { Database } from '../store/database.ts'
import { countDelayed, oldestWaiting, type WaitingJob } from '../store/health.ts'
import { countByState } from '../store/jobs.ts'
import { listLiveWorkers } from '../store/workers.ts'
import { type CheckResult, countOf, duration, type Finding, judge } from './check-result.ts'

/** A worker that has room starts a job within a second or two. */
const PROMPT_SECONDS = 60
/** Full, but not for long, is a queue that does its work. */
const PATIENT_SECONDS = 15 * 60

export async function checkQueue(database: Database, leaseSeconds: number): Promise<CheckResult> {
  const seen = await database.acrossOrganizations(async tx => ({
    states: await countByState(tx, null),
    workers: await listLiveWorkers(tx, 2 * leaseSeconds),
    oldest: await oldestWaiting(tx),
    delayed: await countDelayed(tx),
  }))
  const count = (state: string) => seen.states.find(row => row.state === state)?.count ?? 0
  const claiming = seen.workers.filter(worker => !worker.draining)
  const slots = claiming.reduce((sum, worker) => sum + worker.concurrency, 0)
  const well = [
    `${count('queued')} queued, ${count('running')} running, ${count('waiting')} waiting, ${countOf(seen.workers.length, 'worker')}.`,
    seen.delayed > 0 ? `${seen.delayed} of the queued are tried again later.` : '',
    seen.oldest
      ? `The oldest waits for ${duration(seen.oldest.waited_seconds)}: ${reasonOf(seen.oldest, count('running'), slots)}.`
      : '',
  ]
  return judge('queue', well.filter(Boolean).join(' '), [
    noWorker(claiming.length, count('queued')),
    tooLong(seen.oldest, count('running'), slots),
  ])
}

const isHeldBack = (job: WaitingJob): boolean =>
  job.branch_busy ||
  (job.repository_limit !== null && job.repository_running >= job.repository_limit) ||
  (job.organization_limit !== null && job.organization_running >= job.organization_limit)

function reasonOf(job: WaitingJob, running: number, slots: number): string {
  if (job.branch_busy) return 'another job is on its branch'
  if (job.repository_limit !== null && job.repository_running >= job.repository_limit)
    return `its repository may have ${countOf(job.repository_limit, 'job')} running`
  if (job.organization_limit !== null && job.organization_running >= job.organization_limit)
    return `its organization may have ${countOf(job.organization_limit, 'job')} running`
  if (slots === 0) return 'no worker claims jobs'
  if (running >= slots) return `all ${slots} places are taken`
  return 'a worker is about to take it'
}

const noWorker = (claiming: number, queued: number): Finding | null =>
  claiming > 0
    ? null
    : {
        status: 'problem',
        summary: `No worker claims jobs; ${queued} wait${queued === 1 ? 's' : ''}.`,
        next: 'Start a worker: flowforge up, or the worker process.',
      }

function tooLong(job: WaitingJob | undefined, running: number, slots: number): Finding | null {
  if (!job || slots === 0 || isHeldBack(job)) return null
  const waited = `A job waits for ${duration(job.waited_seconds)}`
  if (running < slots && job.waited_seconds > PROMPT_SECONDS)
    return {
      status: 'problem',
      summary: `${waited}, though ${slots - running} places are free.`,
      next: "See the workers' logs: they can not claim, or not start containers.",
    }
  if (running >= slots && job.waited_seconds > PATIENT_SECONDS)
    return {
      status: 'warning',
      summary: `${waited}, because all ${slots} places are taken.`,
      next: 'Add workers, or raise FLOWFORGE_CONCURRENCY.',
    }
  return null
}

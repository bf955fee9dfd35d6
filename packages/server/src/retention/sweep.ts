// Deletes what is kept no longer, some at a time, so that nobody waits long for a lock. It may end anywhere and begin
// again; two may do it at once. Objects go by themselves once their rows are gone (live/doomed-objects.ts).
import type { Logger } from 'pino'
import type { Database, Transaction } from '../store/database.ts'
import { deleteDueArtifacts, deleteDueEvents, deleteDueJobs, listOrganizations } from '../store/retention.ts'
import { type KeepDays, retentionOf } from './settings.ts'

export interface RetentionContext {
  database: Database
  log: Logger
  /** For organizations without settings of their own. */
  installation: KeepDays
}

const EVERY_MS = 60 * 60 * 1000

export const retentionSweep = (context: RetentionContext) => ({
  name: 'retention',
  everyMs: EVERY_MS,
  run: (signal: AbortSignal) => applyRetention(context, signal),
})

/** Of how many jobs or artifacts each transaction takes care. A job with many events takes a while. */
const BATCH = 50

export interface Removed {
  jobs: number
  /** Stories, of jobs that stay. */
  events: number
  artifacts: number
}

type Deletion = (tx: Transaction, organizationId: string, days: number, limit: number) => Promise<number>
const DELETIONS = {
  jobs: deleteDueJobs,
  events: deleteDueEvents,
  artifacts: deleteDueArtifacts,
} satisfies Record<keyof Removed, Deletion>

export async function applyRetention(context: RetentionContext, signal: AbortSignal): Promise<void> {
  const organizations = await context.database.acrossOrganizations(listOrganizations)
  for (const organizationId of organizations) {
    if (signal.aborted) return
    await applyRetentionOf(context, organizationId, null, signal)
  }
}

/** `by`: who asked for it; null: the regular run. */
export async function applyRetentionOf(
  { database, log, installation }: RetentionContext,
  organizationId: string,
  by: string | null,
  signal: AbortSignal,
): Promise<Removed> {
  const { keepDays } = await database.inOrganization(organizationId, tx =>
    retentionOf(tx, organizationId, installation),
  )
  const removed: Removed = { jobs: 0, events: 0, artifacts: 0 }
  try {
    for (const [kind, remove] of Object.entries(DELETIONS) as Array<[keyof Removed, Deletion]>) {
      const days = keepDays[kind]
      while (days !== null && !signal.aborted) {
        const count = await database.inOrganization(organizationId, tx =>
          remove(tx, organizationId, days, BATCH),
        )
        removed[kind] += count
        if (count < BATCH) break
      }
    }
  } finally {
    // Also of a run that failed half-way: what is gone is gone.
    if (removed.jobs + removed.events + removed.artifacts > 0)
      log.info({ audit: 'retention', organizationId, by, keepDays, removed }, 'old data was removed')
  }
  return removed
}

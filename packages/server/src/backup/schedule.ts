// Regular backups: a task of the sweeper, so that exactly one process of an installation makes them.
import { Cron } from 'croner'
import type { Logger } from 'pino'
import { type BackupRow, endInterrupted, installationSince, latestBackups } from '../store/backups.ts'
import type { Database } from '../store/database.ts'
import type { MadeBackup } from './run-backup.ts'

export interface ScheduledBackupsOptions {
  database: Database
  schedule: string
  makeBackup(now: Date, signal: AbortSignal): Promise<MadeBackup>
  log: Logger
}

const LOOK_MS = 30_000
/** After a failure it is tried again; a full disk or an outage is often mended within the hour. */
const RETRY_MS = 15 * 60_000

/** Whether it is time, all by the database's clock. What was missed while nothing ran is made up for once. */
export function isDue(
  schedule: string,
  { last, since, now }: { last: BackupRow | undefined; since: Date; now: Date },
): boolean {
  if (last?.problem && now.getTime() - last.started_at.getTime() >= RETRY_MS) return true
  const next = new Cron(schedule, { paused: true }).nextRun(last?.started_at ?? since)
  return next !== null && next <= now
}

/** The longest time between two runs that are near each other, for those who judge how old a backup may be. */
export function intervalMs(schedule: string, now: Date): number {
  const [first, second, third] = new Cron(schedule, { paused: true }).nextRuns(3, now)
  if (!first || !second) return Number.POSITIVE_INFINITY
  const gaps = [second.getTime() - first.getTime(), (third ?? second).getTime() - second.getTime()]
  return Math.max(...gaps)
}

export function scheduledBackups({ database, schedule, makeBackup, log }: ScheduledBackupsOptions) {
  let isFirstLook = true
  return {
    name: 'backup',
    everyMs: LOOK_MS,
    run: async (signal: AbortSignal): Promise<void> => {
      // Whoever leads makes them: what another process left unfinished will not be finished.
      if (isFirstLook) await database.acrossOrganizations(endInterrupted)
      isFirstLook = false
      const known = await database.acrossOrganizations(async tx => {
        const { createdAt: since, now } = await installationSince(tx)
        const { last } = await latestBackups(tx)
        return { last, since, now }
      })
      if (!isDue(schedule, known)) return
      const made = await makeBackup(known.now, signal)
      log.info({ ...made }, 'a backup was made')
    },
  }
}

// Whether those who hold attempts are alive, and whether somebody takes care of what they left.
import type { Database } from '../store/database.ts'
import { isLockHeld, leaseHealth } from '../store/health.ts'
import { SWEEPER_LOCK } from '../store/leader-lock.ts'
import { listLiveWorkers } from '../store/workers.ts'
import { type CheckResult, countOf, judge } from './check-result.ts'

export async function checkLeases(database: Database, leaseSeconds: number): Promise<CheckResult> {
  const { live, overdue, silent } = await database.acrossOrganizations(tx => leaseHealth(tx, leaseSeconds))
  return judge('leases', `${countOf(live, 'attempt')} under way, each in the hands of a worker.`, [
    overdue === 0
      ? null
      : {
          status: 'problem',
          summary: `${countOf(overdue, 'attempt')} without a worker, recovered by nobody.`,
          next: 'Start a worker, or see why the running ones do not sweep.',
        },
    silent === 0
      ? null
      : {
          status: 'warning',
          summary: `${countOf(silent, 'attempt')} of a worker that fell silent.`,
          next: 'They are tried again when its lease runs out; see what happened to that worker.',
        },
  ])
}

export async function checkSweeper(database: Database, leaseSeconds: number): Promise<CheckResult> {
  const { isLed, workers } = await database.acrossOrganizations(async tx => ({
    isLed: await isLockHeld(tx, SWEEPER_LOCK),
    workers: await listLiveWorkers(tx, 2 * leaseSeconds),
  }))
  return judge('sweeper', 'One worker does the regular work for all.', [
    isLed
      ? null
      : {
          status: 'problem',
          summary: 'Nobody recovers lost attempts, starts schedules, makes backups or removes what is old.',
          next:
            workers.length === 0
              ? 'Start a worker: one of them does this.'
              : 'Within a lease a worker takes this over; if none does, see their logs.',
        },
  ])
}

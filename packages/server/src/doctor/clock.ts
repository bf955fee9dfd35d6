// How far this machine's clock is from the database's. Leases do not care; schedules, certificates and logs do.
import type { Database } from '../store/database.ts'
import { databaseFacts } from '../store/health.ts'
import { type CheckResult, duration, judge } from './check-result.ts'

const LIMIT_SECONDS = 30

export async function checkClock(database: Database, now: () => number = Date.now): Promise<CheckResult> {
  const before = now()
  const { nowMs } = await database.acrossOrganizations(databaseFacts)
  // The question took a while both ways; in the middle of it the database looked at its clock.
  const seconds = Math.abs(nowMs - (before + now()) / 2) / 1000
  return judge('clock', `As the database's, within ${seconds < 1 ? 'a second' : duration(seconds)}.`, [
    seconds <= LIMIT_SECONDS
      ? null
      : {
          status: 'warning',
          summary: `This machine's clock is ${duration(seconds)} from the database's.`,
          next: 'Leases follow the database and are not affected; synchronise both clocks all the same (NTP).',
        },
  ])
}

// Whether there is a backup to come back from, when there is something to lose.
import { intervalMs } from '../backup/schedule.ts'
import {
  type BackupRow,
  countHostedRepositories,
  installationSince,
  latestBackups,
} from '../store/backups.ts'
import type { Database } from '../store/database.ts'
import { type CheckResult, countOf, duration, type Finding, judge } from './check-result.ts'

export interface BackupPlan {
  where: string
  schedule: string
}

interface Seen {
  last: BackupRow | undefined
  lastGood: BackupRow | undefined
  hosted: number
  since: Date
  now: Date
}

export async function checkBackups(database: Database, plan: BackupPlan | null): Promise<CheckResult> {
  const seen = await database.acrossOrganizations(async tx => {
    const { createdAt: since, now } = await installationSince(tx)
    return { ...(await latestBackups(tx)), hosted: await countHostedRepositories(tx), since, now }
  })
  return judge('backup', wellOf(seen, plan), [
    plan ? failedFinding(seen, plan) : null,
    plan ? oldFinding(seen, plan) : noneFinding(seen),
  ])
}

const ageOf = (from: Date, now: Date): string => duration((now.getTime() - from.getTime()) / 1000)

function wellOf({ lastGood, now }: Seen, plan: BackupPlan | null): string {
  const last = lastGood
    ? `The last backup is ${ageOf(lastGood.started_at, now)} old (${lastGood.destination}/${lastGood.name}).`
    : 'No backup was made yet.'
  return plan ? `${last} Regularly to ${plan.where}: ${plan.schedule}.` : last
}

function failedFinding({ last, now }: Seen, plan: BackupPlan): Finding | null {
  if (!last?.problem) return null
  return {
    status: 'problem',
    summary: `The backup ${ageOf(last.started_at, now)} ago failed: ${last.problem}`,
    next: `See to ${plan.where}; it is tried again every quarter of an hour.`,
  }
}

/** A running one counts only when it is done. */
function oldFinding({ lastGood, since, now }: Seen, plan: BackupPlan): Finding | null {
  const from = lastGood?.started_at ?? since
  if (now.getTime() - from.getTime() <= 2 * intervalMs(plan.schedule, now)) return null
  return {
    status: 'problem',
    summary: lastGood
      ? `The last good backup is ${ageOf(from, now)} old: more than two intervals.`
      : `No backup was made in ${ageOf(from, now)}, though one is due regularly.`,
    next: `See that a worker runs and can write to ${plan.where}.`,
  }
}

function noneFinding({ lastGood, hosted }: Seen): Finding | null {
  if (hosted === 0 || lastGood) return null
  return {
    status: 'warning',
    summary: `${countOf(hosted, 'hosted repository').replace(/ys$/, 'ies')} ${hosted === 1 ? 'has' : 'have'} no other copy, and there is no backup.`,
    next: 'Run flowforge backup, or set FLOWFORGE_BACKUP_URL for regular ones.',
  }
}

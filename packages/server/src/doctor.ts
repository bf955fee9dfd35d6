// Looks at what FlowForge needs and says, for each thing, whether it is well and what to do if it is not.
import { type BackupPlan, checkBackups } from './doctor/backups.ts'
import type { CheckResult } from './doctor/check-result.ts'
import { checkClock } from './doctor/clock.ts'
import { checkContainers } from './doctor/containers.ts'
import { checkDisks } from './doctor/disk.ts'
import { checkLeases, checkSweeper } from './doctor/leases.ts'
import { checkQueue } from './doctor/queue.ts'
import { checkVersions } from './doctor/versions.ts'
import type { Executor } from './executors/port.ts'
import type { Link, Links } from './queue/link.ts'
import type { ObjectStorage } from './storage/port.ts'
import type { Database } from './store/database.ts'
import { databaseFacts } from './store/health.ts'

export type Doctor = () => Promise<CheckResult[]>

export interface DoctorOptions {
  version: string
  database: Database
  storage: Pick<ObjectStorage, 'check'>
  links: Links
  executor: Executor | null
  dataDirectory: string
  leaseSeconds: number
  /** null: none are made regularly. */
  backup: BackupPlan | null
  claude: { hasKey: boolean; baseUrl: string; scripted: () => Promise<boolean> }
}

export function createDoctor(options: DoctorOptions): Doctor {
  const { database, executor, leaseSeconds } = options
  const checks: Record<string, () => Promise<CheckResult>> = {
    database: () => checkDatabase(options.database),
    storage: () => checkStorage(options.storage),
    broker: () => checkLink('broker', options.links.queue, 'rings for the workers'),
    bus: () => checkLink('bus', options.links.bus, 'carries live events'),
    executor: () => checkExecutor(options.executor),
    claude: () => checkClaude(options.claude),
    disk: () => checkDisk(options),
    queue: () => checkQueue(database, leaseSeconds),
    leases: () => checkLeases(database, leaseSeconds),
    sweeper: () => checkSweeper(database, leaseSeconds),
    ...(executor && { containers: () => checkContainers(database, executor, leaseSeconds) }),
    versions: () => checkVersions(database, options),
    clock: () => checkClock(database),
    backup: () => checkBackups(database, options.backup),
  }
  return () => Promise.all(Object.entries(checks).map(([name, check]) => check().catch(brokenCheck(name))))
}

/** A check that fails itself is a finding; the others are told all the same. */
const brokenCheck =
  (name: string) =>
  (error: unknown): CheckResult => ({
    name,
    status: 'problem',
    summary: (error as Error).message,
    next: 'See the log of the server.',
  })

async function checkDatabase(database: Database): Promise<CheckResult> {
  const name = 'database'
  try {
    const { version } = await database.acrossOrganizations(databaseFacts)
    return { name, status: 'ok', summary: `PostgreSQL ${version}` }
  } catch (error) {
    return {
      name,
      status: 'problem',
      summary: (error as Error).message,
      next: 'Start Postgres, or check DATABASE_URL.',
    }
  }
}

async function checkExecutor(executor: Executor | null): Promise<CheckResult> {
  const name = 'executor'
  if (!executor) return { name, status: 'ok', summary: 'No worker runs in this process.' }
  const { ok, facts, problems } = await executor.check()
  const summary = Object.entries(facts)
    .map(([fact, value]) => `${fact}: ${value}`)
    .join(', ')
  if (ok) return { name, status: 'ok', summary: `${executor.name}${summary && `, ${summary}`}` }
  return {
    name,
    status: 'problem',
    summary: problems[0] ?? `${executor.name} is not usable`,
    next: problems.slice(1).join(' ') || 'Run script/setup.',
  }
}

async function checkStorage(storage: DoctorOptions['storage']): Promise<CheckResult> {
  const name = 'storage'
  const { ok, summary, problem } = await storage.check()
  if (ok) return { name, status: 'ok', summary }
  return {
    name,
    status: 'problem',
    summary: `${summary}: ${problem}`,
    next: 'Old stories can not be read until it works. Check FLOWFORGE_STORAGE_URL and the AWS_… variables, or the data folder.',
  }
}

async function checkLink(name: string, link: Link, does: string): Promise<CheckResult> {
  const { ok, summary, problem } = await link.check()
  if (ok) return { name, status: 'ok', summary: `${summary} ${does}` }
  return { name, status: 'problem', summary: `${summary}: ${problem}`, next: link.next }
}

async function checkClaude({ hasKey, baseUrl, scripted }: DoctorOptions['claude']): Promise<CheckResult> {
  const name = 'claude'
  if (!hasKey)
    return {
      name,
      status: 'problem',
      summary: 'No API key is set: jobs end as claude_auth.',
      next: 'Set ANTHROPIC_API_KEY and start again.',
    }
  if (await scripted())
    return {
      name,
      status: 'warning',
      summary: `Answers come from the scripted model at ${baseUrl}.`,
      next: 'Unset ANTHROPIC_BASE_URL and set ANTHROPIC_API_KEY for real work.',
    }
  return { name, status: 'ok', summary: `A key is set; requests go to ${baseUrl}.` }
}

async function checkDisk({ database, executor, dataDirectory }: DoctorOptions): Promise<CheckResult> {
  const facts: Record<string, string> = (await executor?.check())?.facts ?? {}
  const { dockerRoot } = facts
  return checkDisks(database, [
    { what: 'the data folder', directory: dataDirectory },
    ...(dockerRoot ? [{ what: 'Docker', directory: dockerRoot }] : []),
  ])
}

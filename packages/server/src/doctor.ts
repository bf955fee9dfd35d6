// Looks at what FlowForge needs and says, for each thing, whether it is well and what to do if it is not.
import { statfs } from 'node:fs/promises'
import sql from 'sql-template-tag'
import { z } from 'zod'
import type { Executor } from './executors/port.ts'
import type { Link, Links } from './queue/link.ts'
import type { ObjectStorage } from './storage/port.ts'
import type { Database } from './store/database.ts'
import { countByState } from './store/jobs.ts'
import { listLiveWorkers } from './store/workers.ts'

export const CheckResult = z
  .object({
    name: z.string(),
    status: z.enum(['ok', 'warning', 'problem']),
    summary: z.string(),
    next: z.string().optional(),
  })
  .meta({ id: 'CheckResult' })
export type CheckResult = z.infer<typeof CheckResult>

export type Doctor = () => Promise<CheckResult[]>

export interface DoctorOptions {
  database: Database
  storage: Pick<ObjectStorage, 'check'>
  links: Links
  executor: Executor | null
  dataDirectory: string
  leaseSeconds: number
  claude: { hasKey: boolean; baseUrl: string; scripted: () => Promise<boolean> }
}

const LOW_DISK_BYTES = 2 * 1024 ** 3

export function createDoctor(options: DoctorOptions): Doctor {
  const checks: Record<string, () => Promise<CheckResult>> = {
    database: () => checkDatabase(options.database),
    storage: () => checkStorage(options.storage),
    broker: () => checkLink('broker', options.links.queue, 'rings for the workers'),
    bus: () => checkLink('bus', options.links.bus, 'carries live events'),
    executor: () => checkExecutor(options.executor),
    claude: () => checkClaude(options.claude),
    disk: () => checkDisk(options.dataDirectory),
    queue: () => checkQueue(options.database, options.leaseSeconds),
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
    const row = await database.acrossOrganizations(tx =>
      tx.first<{ version: string; skew: number }>(
        sql`select current_setting('server_version') as version, extract(epoch from now()) - ${Date.now() / 1000} as skew`,
      ),
    )
    const skew = Math.abs(row!.skew)
    if (skew > 30)
      return {
        name,
        status: 'warning',
        summary: `PostgreSQL ${row!.version}; its clock differs by ${Math.round(skew)} s`,
        next: 'Leases use its clock and are not affected; synchronise both clocks all the same.',
      }
    return { name, status: 'ok', summary: `PostgreSQL ${row!.version}` }
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

async function checkDisk(directory: string): Promise<CheckResult> {
  const name = 'disk'
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  const summary = `${(free / 1024 ** 3).toFixed(1)} GiB free in ${directory}`
  if (free < LOW_DISK_BYTES)
    return {
      name,
      status: 'problem',
      summary,
      next: 'Free space, or move the data folder (FLOWFORGE_DATA_DIR).',
    }
  return { name, status: 'ok', summary }
}

async function checkQueue(database: Database, leaseSeconds: number): Promise<CheckResult> {
  const name = 'queue'
  try {
    const [states, workers] = await database.acrossOrganizations(
      async tx => [await countByState(tx, null), await listLiveWorkers(tx, 2 * leaseSeconds)] as const,
    )
    const count = (state: string) => states.find(row => row.state === state)?.count ?? 0
    const summary = `${count('queued')} queued, ${count('running')} running, ${workers.length} workers`
    if (workers.length === 0)
      return {
        name,
        status: 'problem',
        summary,
        next: 'Start a worker: flowforge up, or the worker process.',
      }
    return { name, status: 'ok', summary }
  } catch {
    return {
      name,
      status: 'problem',
      summary: 'The queue can not be read without the database.',
      next: 'See the database check.',
    }
  }
}

// Which versions work together here: of FlowForge's processes, and of the programs that it uses.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { RUNNER_PROTOCOL_VERSION } from '@flowforge/protocol'
import type { Database } from '../store/database.ts'
import { SCHEMA_LEVEL } from '../store/schema.ts'
import { listLiveWorkers, type WorkerRow } from '../store/workers.ts'
import { type CheckResult, type Finding, judge } from './check-result.ts'

/** `git merge-tree --write-tree`. */
const OLDEST_GIT = [2, 38] as const

export async function checkVersions(
  database: Database,
  options: { version: string; leaseSeconds: number; gitVersion?: () => Promise<string> },
): Promise<CheckResult> {
  const workers = await database.acrossOrganizations(tx => listLiveWorkers(tx, 2 * options.leaseSeconds))
  const git = await (options.gitVersion ?? readGitVersion)().catch(() => null)
  return judge(
    'versions',
    `FlowForge ${options.version} (database ${SCHEMA_LEVEL}, runner protocol ${RUNNER_PROTOCOL_VERSION}), Git ${git}.`,
    [gitFinding(git), mixedFinding(workers, options.version), protocolFinding(workers)],
  )
}

async function readGitVersion(): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['--version'])
  return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? stdout.trim()
}

function gitFinding(version: string | null): Finding | null {
  const next = `Install Git ${OLDEST_GIT.join('.')} or newer.`
  if (version === null) return { status: 'problem', summary: 'Git is missing.', next }
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor >= OLDEST_GIT[1])) return null
  return { status: 'problem', summary: `Git ${version} is too old.`, next }
}

const isAnother = (worker: WorkerRow, version: string): boolean =>
  worker.version !== version || worker.schema_level !== SCHEMA_LEVEL

function mixedFinding(workers: WorkerRow[], version: string): Finding | null {
  const others = workers.filter(worker => isAnother(worker, version))
  if (others.length === 0) return null
  const named = others.map(
    ({ host, pid, version: theirs, schema_level }) =>
      `${host}/${pid} has ${theirs} (database ${schema_level ?? 'not told'})`,
  )
  return {
    status: 'warning',
    summary: `Workers of other versions run: ${named.join(', ')}; here is ${version} (database ${SCHEMA_LEVEL}).`,
    next: 'Neighbouring versions work together; finish the upgrade soon.',
  }
}

function protocolFinding(workers: WorkerRow[]): Finding | null {
  const far = workers.filter(
    ({ protocol_version: theirs }) => theirs !== null && Math.abs(theirs - RUNNER_PROTOCOL_VERSION) > 1,
  )
  if (far.length === 0) return null
  return {
    status: 'problem',
    summary: `${far.map(({ host, pid }) => `${host}/${pid}`).join(', ')} can not take over containers of this version.`,
    next: 'Upgrade these workers.',
  }
}

// Saves what an agent left behind when its attempt broke off: a container without agent commits and pushes it from the same
// workspace. Best effort, within a limit, and never the reason that something else fails or waits for long.
import type { FailureCode } from '@flowforge/protocol'
import type { Logger } from 'pino'
import type { ContainerHandle, Executor } from '../executors/port.ts'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { type AttemptRow, findAttempt } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { type JobRow, lockJob } from '../store/jobs.ts'
import { findRepository, type RepositoryRow } from '../store/repositories.ts'
import type { Spares } from './spares.ts'
import { rescueOrder } from './work-orders.ts'

const LIMIT_MS = 60_000
/** What a runner that still lives has to end by itself. */
const HALT_GRACE_MS = 1_000

/** After these an agent may have left something that nobody pushed. */
const BREAKS_OFF: ReadonlySet<FailureCode> = new Set<FailureCode>([
  ...(['timeout', 'no_progress', 'agent_crashed', 'agent_error', 'oom', 'disk_full', 'worker_lost'] as const),
  ...(['claude_unavailable', 'claude_auth', 'budget_exceeded', 'internal_error'] as const),
])

export const breaksOff = (code: FailureCode): boolean => BREAKS_OFF.has(code)

export interface Wreck {
  job: JobRow
  attempt: AttemptRow
  repository: RepositoryRow
  baseCommit: string
  /** Of the agent. */
  container: ContainerHandle
  graceMs?: number
}

export interface Rescuer {
  /** Never throws. The agent's container has ended afterwards, and is still there. */
  save(wreck: Wreck, signal: AbortSignal): Promise<void>
  /** The same for a container that nobody owns any more. */
  saveOrphan(container: ContainerHandle): Promise<void>
}

export function createRescuer({
  database,
  executor,
  spares,
  log,
}: {
  database: Database
  executor: Executor
  spares: Spares
  log: Logger
}): Rescuer {
  const save = async (wreck: Wreck, signal: AbortSignal): Promise<void> => {
    if (!executor.keepsWorkspaces) return
    const { job, attempt, container } = wreck
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])
    try {
      await executor.halt(container, { graceMs: wreck.graceMs ?? HALT_GRACE_MS })
      limited.throwIfAborted()
      await runRescue(wreck, limited)
    } catch (error) {
      log.warn({ err: error, jobId: job.id, attempt: attempt.number }, 'the work of an attempt was not saved')
    }
  }

  const runRescue = async (wreck: Wreck, signal: AbortSignal): Promise<void> => {
    const { attempt, container } = wreck
    const { door } = await spares.take(attempt.id, 'rescue')
    const settled = Promise.withResolvers<void>()
    door.admit(gatewayAttempt(wreck, door.token, signal), rescueOrder(wreck), {
      epoch: attempt.epoch,
      settled: () => settled.resolve(),
      heard: () => {},
      claudeBusy: () => {},
      claudeTrouble: () => {},
    })
    let handle: ContainerHandle | null = null
    const done = new AbortController()
    try {
      handle = await spares.start(attempt.id, 'rescue', door, container)
      const ended = executor.exited(handle, AbortSignal.any([signal, done.signal]))
      await Promise.race([settled.promise, ended])
    } finally {
      done.abort()
      spares.putAway(handle, door, 0)
      // Both have the same disk: the agent's container can only go after this one.
      await spares.putAwayDone(attempt.id)
    }
  }

  const saveOrphan = async (container: ContainerHandle): Promise<void> => {
    if (!executor.keepsWorkspaces || container.phase !== 'agent') return
    const wreck = await database.acrossOrganizations(async tx => {
      const attempt = await findAttempt(tx, container.attemptId)
      // What was cancelled, or came to its end, left nothing that anybody misses.
      if (attempt?.end_reason !== 'lost' || attempt.rescued_commit) return null
      const job = await lockJob(tx, attempt.job_id)
      const repository = job && (await findRepository(tx, job.organization_id, job.repository_id))
      if (!job?.base_commit || !repository) return null
      return { job, attempt, repository, baseCommit: job.base_commit, container, graceMs: 0 }
    })
    if (wreck) await save(wreck, new AbortController().signal)
  }

  return { save, saveOrphan }
}

const gatewayAttempt = (
  { job, attempt, repository, baseCommit }: Wreck,
  token: string,
  signal: AbortSignal,
): GatewayAttempt => ({
  attemptId: attempt.id,
  jobId: job.id,
  organizationId: job.organization_id,
  repositoryId: repository.id,
  repositoryName: repository.name,
  number: attempt.number,
  phase: 'rescue',
  token,
  branch: job.branch,
  baseCommit,
  allowedModels: [],
  egressAllow: [],
  signal,
})

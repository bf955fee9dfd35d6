// One container of an attempt: opens its door, starts it, waits for its report, its end or a reason to stop it, and
// takes it away again. Says what happened when it ended without a word.
import {
  type FailureCode,
  type Reason,
  RUNNER_ABANDONED_EXIT_CODE,
  type SettleReport,
  type WorkOrder,
} from '@flowforge/protocol'
import { isFlowForgeError } from '../errors.ts'
import type { ContainerHandle, ContainerStatus, Executor } from '../executors/port.ts'
import { type Phase, saveContainer } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { findJobNow, updateJob } from '../store/jobs.ts'
import { forgetNonce } from '../store/leases.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import { inSharedTransaction } from '../store/shared-transaction.ts'
import { asHolder } from './as-holder.ts'
import { reasonOf } from './failures.ts'
import { type Hold, letsGo, type StopCause } from './hold.ts'
import { reasonOfStall, type Stalled, untilStalled } from './no-progress.ts'
import type { AttemptDoor, EventLog } from './ports.ts'
import { breaksOff, type Rescuer } from './rescue.ts'
import type { Place, Spares } from './spares.ts'

export class PhaseFailed extends Error {
  readonly reason: Reason
  readonly headCommit: string | null
  constructor(reason: Reason, headCommit: string | null = null) {
    super(reason.message)
    this.reason = reason
    this.headCommit = headCommit
  }
}

export interface PhaseContext {
  database: Database
  events: EventLog
  executor: Executor
  spares: Spares
  rescuer: Rescuer
  /** From the container's start to its runner's first word. */
  firstContactMs: number
  /** How long a transfer may stand still. */
  noProgressMs: number
}

/** A runner's report, with what only the gateway saw. */
export type PhaseReport = SettleReport & { retryAfterMs?: number }

interface Trouble {
  claude?: Reason
  claudeFreeAtMs?: number
}

export interface PhaseRun {
  phase: Phase
  order: WorkOrder
  baseCommit: string
}

/** How long a runner has to say its last words after a stop, before it is killed. */
const STOP_GRACE_MS: Record<StopCause, number> = {
  cancelled: 2_000,
  deadline: 10_000,
  lease_lost: 0,
  handover: 0,
  shutdown: 1_000,
  unparked: 10_000,
}
const ENDED_GRACE_MS = 1_000
const LOG_TAIL_BYTES = 16 * 1024

export async function runPhase(
  context: PhaseContext,
  hold: Hold,
  repository: RepositoryRow,
  run: PhaseRun,
): Promise<PhaseReport> {
  const earlier = hold.attempt.reports[run.phase]
  if (earlier) return putAwayEarlier(context, hold, run.phase, earlier)
  hold.signal.throwIfAborted()

  const place = await placeOf(context, hold, run.phase)
  const report = Promise.withResolvers<SettleReport>()
  const contact = Promise.withResolvers<void>()
  const trouble: Trouble = {}
  let leave = false
  place.door.admit(gatewayAttempt(hold, repository, run, place.door.token), run.order, {
    epoch: hold.holder.epoch,
    settled: report.resolve,
    heard: contact.resolve,
    claudeBusy: retryAfterMs => {
      trouble.claudeFreeAtMs = performance.now() + retryAfterMs
    },
    claudeTrouble: (code, detail) => {
      trouble.claude = reasonOf(code, detail)
    },
  })
  let handle: ContainerHandle | null = null
  try {
    // Who adopts looks for the runner's first word in the nonce that it was bound by.
    if (place.container && hold.attempt.nonces[run.phase]) contact.resolve()
    handle = place.container ?? (await startCold(context, hold, run.phase, place.door))
    await keepHandle(context, hold, handle)
    const last = await lastWord(
      context,
      handle,
      { report: report.promise, contact: contact.promise },
      stalling(context, hold, run, place.door),
      hold.signal,
    )
    const settled = 'outcome' in last ? last : await reportOfTheDead(context, hold, run.phase, handle, last)
    const told = explained(settled, trouble)
    if (told.outcome === 'failed' && !told.headCommit && breaksOff(told.code))
      await saveWork(context, hold, repository, run, handle)
    return told
  } catch (error) {
    leave = letsGo(hold.signal) || GOES_ON_ELSEWHERE.some(code => isFlowForgeError(error, code))
    const brokeOff = error instanceof PhaseFailed && breaksOff(error.reason.code)
    if (!leave && handle && (brokeOff || hold.signal.reason === 'deadline'))
      await saveWork(context, hold, repository, run, handle)
    throw error
  } finally {
    if (leave) await place.door.close()
    else await putAway(context, hold, handle, place.door)
  }
}

/** Before the container goes, and its disk with it. A cancel does not wait for this. */
async function saveWork(
  context: PhaseContext,
  { job, attempt, signal, urgent }: Hold,
  repository: RepositoryRow,
  { phase, baseCommit }: PhaseRun,
  container: ContainerHandle,
): Promise<void> {
  if (phase !== 'agent') return
  const graceMs = signal.aborted ? STOP_GRACE_MS[signal.reason as StopCause] : undefined
  await context.rescuer.save({ job, attempt, repository, baseCommit, container, graceMs }, urgent)
}

/** Not the container's fault: the attempt is adopted, by another worker or by this one when the lease has run out. */
const GOES_ON_ELSEWHERE = ['lease_lost', 'database_unavailable'] as const

async function putAway(
  context: PhaseContext,
  hold: Hold,
  handle: ContainerHandle | null,
  door: AttemptDoor,
): Promise<void> {
  const graceMs = hold.signal.aborted ? STOP_GRACE_MS[hold.signal.reason as StopCause] : ENDED_GRACE_MS
  context.spares.putAway(handle, door, graceMs)
  if (hold.signal.aborted) await context.spares.putAwayDone(hold.attempt.id)
}

/** The door and the container of a phase: of an adopted attempt the ones it had, else a spare or nothing yet. */
async function placeOf(context: PhaseContext, hold: Hold, phase: Phase): Promise<Place> {
  const place = await context.spares.take(hold.attempt.id, phase)
  const container = place.container ?? hold.containers[phase] ?? null
  if (!container && hold.attempt.nonces[phase])
    await asHolder(context.database, hold.job.id, hold.holder, tx => forgetNonce(tx, hold.attempt.id, phase))
  return { door: place.door, container }
}

/** An adopted attempt is past this phase; its last worker died before it took the container away. */
async function putAwayEarlier(
  context: PhaseContext,
  hold: Hold,
  phase: Phase,
  report: SettleReport,
): Promise<SettleReport> {
  const container = hold.containers[phase]
  if (container)
    context.spares.putAway(container, (await context.spares.take(hold.attempt.id, phase)).door, 0)
  return report
}

const keepHandle = ({ database }: PhaseContext, { job, holder }: Hold, handle: ContainerHandle) =>
  asHolder(database, job.id, holder, tx => saveContainer(tx, holder, handle.phase, handle))

async function startCold(
  context: PhaseContext,
  hold: Hold,
  phase: Phase,
  door: AttemptDoor,
): Promise<ContainerHandle> {
  // A clean verify is a stage of its own, its container included.
  if (phase === 'agent') {
    await asHolder(context.database, hold.job.id, hold.holder, async tx => {
      await updateJob(tx, hold.job.id, { stage: 'starting_container' })
      await context.events.append(tx, hold.job, [
        { type: 'job.stage', data: { stage: 'starting_container' } },
      ])
    })
  }
  return context.spares.start(hold.attempt.id, phase, door)
}

const stalling =
  ({ database, noProgressMs }: PhaseContext, { job }: Hold, { order }: PhaseRun, door: AttemptDoor) =>
  (signal: AbortSignal): Promise<Stalled> =>
    untilStalled(
      {
        activity: door.activity,
        // The stage that people see, which the runner tells of.
        now: async () => (await inSharedTransaction(database, job.id, tx => findJobNow(tx, job.id))) ?? job,
        limits: { transferMs: noProgressMs, commandMs: order.commandTimeoutSeconds * 1000 },
      },
      signal,
    )

type LastWord = SettleReport | { kind: 'ended' } | { kind: 'silent' } | ({ kind: 'stalled' } & Stalled)

/**
 * The first of: the runner's report, the container's end, no first word in time, no sign of life for too long, a reason to
 * stop (throws).
 */
async function lastWord(
  context: PhaseContext,
  handle: ContainerHandle,
  runner: { report: Promise<SettleReport>; contact: Promise<void> },
  stalled: (signal: AbortSignal) => Promise<Stalled>,
  signal: AbortSignal,
): Promise<LastWord> {
  const done = new AbortController()
  const either = AbortSignal.any([signal, done.signal])
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { signal: done.signal })
  })
  const silent = Promise.withResolvers<LastWord>()
  const timer = setTimeout(() => silent.resolve({ kind: 'silent' }), context.firstContactMs)
  void runner.contact.then(() => clearTimeout(timer))
  try {
    return await Promise.race([
      runner.report,
      stopped,
      silent.promise,
      context.executor.exited(handle, either).then(() => ({ kind: 'ended' as const })),
      stalled(either).then(found => ({ kind: 'stalled' as const, ...found })),
    ])
  } finally {
    clearTimeout(timer)
    done.abort()
  }
}

/**
 * The container ended, never spoke, or fell silent. Its report may have been stored just before; else the kernel's and the engine's
 * word counts.
 */
async function reportOfTheDead(
  context: PhaseContext,
  hold: Hold,
  phase: Phase,
  handle: ContainerHandle,
  what: Exclude<LastWord, SettleReport>,
): Promise<SettleReport> {
  const status = await context.executor.inspect(handle)
  const tail = await context.executor.logs(handle, LOG_TAIL_BYTES).catch(() => '')
  const found = await asHolder(context.database, hold.job.id, hold.holder, async (tx, job, attempt) => {
    const stored = attempt.reports[phase]
    if (stored) return stored
    if (tail.trim() !== '')
      await context.events.append(tx, job, [{ type: 'log', data: { stream: 'system', text: tail } }])
    if (what.kind === 'stalled') return reasonOfStall(what)
    return what.kind === 'silent' ? reasonOfSilence(context.firstContactMs) : reasonOfDeath(status, job.stage)
  })
  if ('outcome' in found) return found
  throw new PhaseFailed(found)
}

const reasonOfSilence = (limitMs: number): Reason =>
  reasonOf(
    'no_progress',
    `The container started, but its runner did not ask for its work within ${Math.round(limitMs / 1000)} seconds, during the stage starting_container.`,
  )

function reasonOfDeath(status: ContainerStatus, stage: string | null): Reason {
  const during = stage ? ` during the stage ${stage}` : ''
  if (status.state === 'exited' && status.oomKilled)
    return reasonOf('oom', `The container used more memory than it may${during} and was ended by the kernel.`)
  if (status.state === 'gone')
    return reasonOf('agent_crashed', `The container was removed from outside${during}.`)
  if (status.state === 'exited' && status.exitCode === RUNNER_ABANDONED_EXIT_CODE)
    return reasonOf('worker_lost', `No worker answered the container${during}, and it ended by itself.`)
  const code = status.state === 'exited' ? ` with exit code ${status.exitCode}` : ''
  return reasonOf('agent_crashed', `The container ended${code}${during} without a report.`)
}

/** What a runner says when Claude fails it, for whatever reason. */
const VAGUE = new Set<FailureCode>(['agent_error', 'claude_unavailable', 'claude_auth', 'budget_exceeded'])

/** The runner knows that Claude failed; the gateway saw why. */
function explained(report: SettleReport, { claude: seen, claudeFreeAtMs }: Trouble): PhaseReport {
  if (report.outcome !== 'failed') return report
  if (seen && VAGUE.has(report.code)) return { ...report, code: seen.code, message: seen.message }
  if (report.code !== 'claude_unavailable' || claudeFreeAtMs === undefined) return report
  return { ...report, retryAfterMs: Math.max(0, claudeFreeAtMs - performance.now()) }
}

const gatewayAttempt = (hold: Hold, repository: RepositoryRow, run: PhaseRun, token: string) => ({
  attemptId: hold.attempt.id,
  jobId: hold.job.id,
  organizationId: hold.job.organization_id,
  repositoryId: repository.id,
  repositoryName: repository.name,
  number: hold.attempt.number,
  phase: run.phase,
  token,
  branch: hold.job.branch,
  baseCommit: run.baseCommit,
  allowedModels: [],
  egressAllow: repository.settings.egressAllow ?? [],
  signal: hold.signal,
})

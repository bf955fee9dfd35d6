// Takes one attempt from its claim to its end: repository, agent container, clean verify, publish, settle. Every step
// may be repeated and looks first at what the attempt's row says is done, so that another worker can go on here.
import { setTimeout as delay } from 'node:timers/promises'
import type { FailureCode, Stage, VerifyResult } from '@flowforge/protocol'
import type { Logger } from 'pino'
import { isFlowForgeError } from '../errors.ts'
import { findAttempt } from '../store/attempts.ts'
import { type JobRow, updateJob } from '../store/jobs.ts'
import { findRepository, type RepositoryRow } from '../store/repositories.ts'
import { inSharedTransaction } from '../store/shared-transaction.ts'
import { asHolder } from './as-holder.ts'
import { briefAttempt } from './briefing.ts'
import { reasonFromError, reasonOf } from './failures.ts'
import { type Hold, letsGo, type StopCause } from './hold.ts'
import type { Repositories } from './ports.ts'
import { prepareBase } from './prepare-base.ts'
import { findEarlierResult } from './result-cache.ts'
import { type PhaseContext, PhaseFailed, type PhaseReport, runPhase } from './run-phase.ts'
import { type Outcome, type SettleContext, settleAttempt } from './settle.ts'
import { agentOrder, verifyOrder } from './work-orders.ts'

export interface DriveContext extends SettleContext, PhaseContext {
  repositories: Repositories
  log: Logger
}

export async function driveAttempt(context: DriveContext, hold: Hold): Promise<void> {
  const log = context.log.child({ jobId: hold.job.id, attempt: hold.attempt.number })
  try {
    const outcome = await reachOutcome(context, hold)
    const job = await settlePatiently(context, hold, outcome)
    log.info({ state: job.state, reason: job.reason?.code }, 'attempt settled')
  } catch (error) {
    if (hold.signal.reason === 'handover') log.info('left to the next worker; its container goes on')
    else if (isFlowForgeError(error, 'lease_lost') || hold.signal.reason === 'lease_lost')
      log.warn('lease lost; leaving the attempt to its new holder')
    else throw error
  } finally {
    await context.repositories.release(hold.attempt.id)
  }
}

const UNPARKED = 'The container did not save its work and end when it was told to, and was taken away.'
const SETTLE_AGAIN_MS = 500

/** An hour of work is not thrown away because Postgres restarts: the attempt stays in hand, and its lease is renewed. */
async function settlePatiently(context: DriveContext, hold: Hold, outcome: Outcome): Promise<JobRow> {
  for (;;) {
    try {
      return await settleAttempt(context, hold.job.id, hold.holder, outcome)
    } catch (error) {
      const leaving = letsGo(hold.signal) || hold.signal.reason === 'shutdown'
      if (leaving || !isFlowForgeError(error, 'database_unavailable')) throw error
      await delay(SETTLE_AGAIN_MS)
    }
  }
}

async function reachOutcome(context: DriveContext, hold: Hold): Promise<Outcome> {
  try {
    const repository = await loadRepository(context, hold)
    const base = await prepareBase(context, hold, repository)
    const earlier = await findEarlierResult(context, hold, repository)
    if (earlier) return await giveAgain(context, hold, repository, earlier)
    const report = await runAgent(context, hold, repository, base)
    if (report.outcome === 'parked') return { kind: 'parked' }
    if (report.outcome === 'failed') return await failedOutcome(context, hold, repository, report)
    const head = await pushedCommit(context, hold, repository)
    if (!head)
      return { kind: 'succeeded', headCommit: null, result: { ...NO_CHANGES, summary: report.summary } }
    const verify = await verifyClean(context, hold, repository, base, head)
    await publish(context, hold, repository, head)
    const stat = await context.repositories.stat(repository, base, head)
    return { kind: 'succeeded', headCommit: head, result: { summary: report.summary, ...stat, verify } }
  } catch (error) {
    return await outcomeOfError(context, hold, error)
  }
}

/** On a branch of its own, like any result. */
async function giveAgain(
  context: DriveContext,
  hold: Hold,
  repository: RepositoryRow,
  { id, number, head_commit: headCommit, result }: JobRow,
): Promise<Outcome> {
  if (headCommit) await publish(context, hold, repository, headCommit)
  return { kind: 'succeeded', headCommit, result: result!, reused: { jobId: id, number } }
}

async function publish(
  context: DriveContext,
  hold: Hold,
  repository: RepositoryRow,
  commit: string,
): Promise<void> {
  await stage(context, hold, 'publishing')
  const { id: jobId, branch, published_commit: expected } = hold.job
  await context.repositories.publish(repository, { jobId, branch, commit, expected }, hold.signal)
  await recordPublished(context, hold, repository, commit)
}

const NO_CHANGES = { filesChanged: 0, insertions: 0, deletions: 0, verify: [] as VerifyResult[] }

async function outcomeOfError(context: DriveContext, hold: Hold, error: unknown): Promise<Outcome> {
  if (isFlowForgeError(error, 'lease_lost')) throw error
  // Nothing is wrong with the job: the lease runs out, and it is queued again.
  if (isFlowForgeError(error, 'database_unavailable') && !hold.signal.aborted) throw error
  switch (hold.signal.reason as StopCause | undefined) {
    case 'lease_lost':
      throw error
    case 'handover':
      if (await isAdoptable(context, hold)) throw error
      return { kind: 'requeued', reason: reasonOf('worker_lost', 'The worker was stopped.') }
    case 'shutdown':
      // Its container is gone: another worker, or this one when it is back, need not wait for the lease.
      return { kind: 'requeued', reason: reasonOf('worker_lost', 'The worker was stopped.') }
    case 'unparked':
      return { kind: 'requeued', reason: reasonOf('no_progress', UNPARKED) }
    case 'cancelled':
      return { kind: 'cancelled' }
    case 'deadline':
      return {
        kind: 'failed',
        reason: reasonOf(
          'timeout',
          `The job did not finish within its limit of ${hold.job.timeout_seconds} seconds.`,
        ),
      }
  }
  if (error instanceof PhaseFailed)
    return { kind: 'failed', reason: error.reason, headCommit: error.headCommit }
  const reason = reasonFromError(error)
  if (reason.code === 'internal_error')
    context.log.error({ err: error, jobId: hold.job.id }, 'attempt failed unexpectedly')
  return { kind: 'failed', reason }
}

/** It has something that goes on or stays without this process: a container of the agent, or its report. */
async function isAdoptable({ database }: DriveContext, { attempt }: Hold): Promise<boolean> {
  const row = await database.acrossOrganizations(tx => findAttempt(tx, attempt.id))
  return row?.reports.agent !== undefined || row?.containers.agent !== undefined
}

async function loadRepository({ database }: DriveContext, { job }: Hold): Promise<RepositoryRow> {
  const row = await inSharedTransaction(database, job.id, tx =>
    findRepository(tx, job.organization_id, job.repository_id),
  )
  if (!row) throw new PhaseFailed(reasonOf('internal_error', 'The repository of this job was removed.'))
  return row
}

async function runAgent(
  context: DriveContext,
  hold: Hold,
  repository: RepositoryRow,
  base: string,
): Promise<PhaseReport> {
  const order = agentOrder(hold, repository, base, await briefAttempt(context, hold, repository))
  return runPhase(context, hold, repository, { phase: 'agent', order, baseCommit: base })
}

/** With `verify` set, the result that counts comes from a container in which no agent ever ran. */
async function verifyClean(
  context: DriveContext,
  hold: Hold,
  repository: RepositoryRow,
  base: string,
  head: string,
): Promise<VerifyResult[]> {
  if (hold.job.verify.length === 0) return []
  await stage(context, hold, 'verifying_clean')
  const order = verifyOrder(hold, repository, base, head)
  const report = await runPhase(context, hold, repository, { phase: 'verify', order, baseCommit: base })
  if (report.outcome === 'failed') {
    const code: FailureCode = report.code === 'setup_failed' ? 'setup_failed' : 'verify_failed'
    throw new PhaseFailed(reasonOf(code, `In a fresh container: ${report.message}`), head)
  }
  return report.verify
}

/** Work that was pushed before the failure stays in FlowForge's mirror, where people can see its diff. */
async function failedOutcome(
  context: DriveContext,
  hold: Hold,
  repository: RepositoryRow,
  report: Extract<PhaseReport, { outcome: 'failed' }>,
): Promise<Outcome> {
  return {
    kind: 'failed',
    reason: reasonOf(report.code, report.message),
    retryAfterMs: report.retryAfterMs,
    headCommit: await pushedCommit(context, hold, repository),
  }
}

/** What the gateway saw and stored; the runner's word for it does not count. */
async function pushedCommit(
  { database, repositories }: DriveContext,
  { job, attempt }: Hold,
  repository: RepositoryRow,
): Promise<string | null> {
  const row = await inSharedTransaction(database, job.id, tx => findAttempt(tx, attempt.id))
  // A worker may have died between the store and the record of a push; the runner does not send it again.
  const recorded = attempt.epoch === 1 ? (row?.pushed_commit ?? null) : null
  return recorded ?? (await repositories.pushedBy(repository, job.id, attempt.number))
}

async function recordPublished(
  context: DriveContext,
  { job, holder }: Hold,
  repository: RepositoryRow,
  commit: string,
): Promise<void> {
  if (repository.url === null) return
  await asHolder(context.database, job.id, holder, async tx => {
    await updateJob(tx, job.id, { published_commit: commit })
    await context.events.append(tx, job, [
      { type: 'git.pushed', data: { branch: job.branch, commit, upstream: true } },
    ])
  })
}

async function stage(context: DriveContext, { job, holder }: Hold, name: Stage): Promise<void> {
  await asHolder(context.database, job.id, holder, async tx => {
    await updateJob(tx, job.id, { stage: name })
    await context.events.append(tx, job, [{ type: 'job.stage', data: { stage: name } }])
  })
}

// Jobs that wait for others: queued when what they need has succeeded, failed when it never will. Told in the transaction
// that ends the other job; a sweep finds what a crash of an older version, or nobody, told.
import type { NewEvent, Reason } from '@flowforge/protocol'
import { isTerminal } from '@flowforge/protocol'
import type { Database, Transaction } from '../store/database.ts'
import {
  failJobs,
  findPredecessors,
  holdPredecessors,
  lockDependents,
  lockDue,
  lockOverlooked,
  type Predecessor,
  queueJobs,
} from '../store/dependents.ts'
import type { JobRow } from '../store/jobs.ts'
import { merged } from '../store/merged.ts'
import { reasonOf } from './failures.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { after } from './states.ts'

export interface DependentsContext {
  events: EventLog
  doorbell: Doorbell
}

/**
 * To be called with jobs that have just succeeded, failed or been cancelled, in the same transaction. Only pending jobs
 * are locked here, by id, and whoever holds a pending job waits for no other kind: no two can wait for each other.
 */
export async function tellDependents(
  tx: Transaction,
  context: DependentsContext,
  ended: Ended[],
): Promise<void> {
  await Promise.all(ended.map(job => tell(tx, { context, job })))
}

type Ended = Pick<JobRow, 'id' | 'state'>

/** Jobs that end in one transaction ask together. */
const tell = merged(
  ({ job }) => job.id,
  async (tx: Transaction, told: Array<{ context: DependentsContext; job: Ended }>) => {
    await tellAll(
      tx,
      told[0]!.context,
      told.map(({ job }) => job),
    )
    return told
  },
)

async function tellAll(tx: Transaction, context: DependentsContext, ended: Ended[]): Promise<void> {
  const deep = ended.some(({ state }) => state !== 'succeeded')
  const waiting = await lockDependents(
    tx,
    ended.map(({ id }) => id),
    deep,
  )
  if (waiting.length > 0) await decide(tx, context, waiting)
}

type Verdict = { kind: 'ready' } | { kind: 'waits' } | { kind: 'lost'; reason: Reason }

/** `waiting` are locked. One that fails here decides about those behind it, so the rows are walked until nothing changes. */
async function decide(tx: Transaction, context: DependentsContext, waiting: JobRow[]): Promise<number> {
  const known = await predecessorsOf(tx, waiting)
  const verdicts = new Map<string, Verdict>()
  for (let changed = true; changed; ) {
    changed = false
    for (const job of waiting.filter(({ id }) => !verdicts.has(id))) {
      const verdict = verdictOn(job, known)
      if (verdict.kind === 'waits') continue
      verdicts.set(job.id, verdict)
      if (verdict.kind === 'lost') known.set(job.id, { ...job, state: after(job.state, 'fail') })
      changed = true
    }
  }
  await release(tx, context, idsOf(verdicts, 'ready'))
  await giveUp(tx, context, verdicts)
  return verdicts.size
}

async function predecessorsOf(tx: Transaction, waiting: JobRow[]): Promise<Map<string, Predecessor>> {
  const ids = waiting.flatMap(job => (job.start_after ? [...job.needs, job.start_after] : job.needs))
  return new Map((await findPredecessors(tx, [...new Set(ids)])).map(job => [job.id, job]))
}

export function verdictOn(
  job: Pick<JobRow, 'needs' | 'start_after'>,
  known: ReadonlyMap<string, Predecessor>,
): Verdict {
  const before = job.start_after === null ? undefined : known.get(job.start_after)
  let waits = before !== undefined && !isTerminal(before.state)
  for (const id of job.needs) {
    const needed = known.get(id)
    if (!needed) return { kind: 'lost', reason: lost('A job that this one needs was removed.') }
    if (needed.state === 'failed' || needed.state === 'cancelled')
      return {
        kind: 'lost',
        reason: lost(`Job #${needed.number}, which this one needs, ${ENDED[needed.state]}.`),
      }
    if (needed.state !== 'succeeded') waits = true
  }
  return { kind: waits ? 'waits' : 'ready' }
}

/** How it stands with a job that is to be queued again. What it waits for is held, and before the job itself, as everywhere. */
export async function verdictOnNamed(
  tx: Transaction,
  organizationId: string,
  { needs, start_after }: Pick<JobRow, 'needs' | 'start_after'>,
): Promise<Verdict> {
  const ids = start_after === null ? needs : [...needs, start_after]
  if (ids.length === 0) return { kind: 'ready' }
  const held = await holdPredecessors(tx, organizationId, ids)
  return verdictOn({ needs, start_after }, new Map(held.map(job => [job.id, job])))
}

const ENDED = { failed: 'has failed', cancelled: 'was cancelled' } as const
const lost = (message: string): Reason => reasonOf('dependency_failed', message)

const idsOf = (verdicts: Map<string, Verdict>, kind: Verdict['kind']): string[] =>
  [...verdicts].filter(([, verdict]) => verdict.kind === kind).map(([id]) => id)

/** Those whose `runAt` is still to come stay as they are. */
async function release(tx: Transaction, context: DependentsContext, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  const queued = await queueJobs(tx, ids, after('pending', 'release'))
  if (queued.length === 0) return
  await context.events.appendToMany(
    tx,
    queued.map(job => ({ job, events: [{ type: 'job.queued', data: {} }] })),
  )
  await context.doorbell.ring(
    tx,
    queued.map(({ id }) => id),
  )
}

async function giveUp(
  tx: Transaction,
  context: DependentsContext,
  verdicts: Map<string, Verdict>,
): Promise<void> {
  const failures = [...verdicts].flatMap(([id, verdict]) =>
    verdict.kind === 'lost' ? [{ id, reason: verdict.reason }] : [],
  )
  if (failures.length === 0) return
  const failed = await failJobs(tx, failures, after('pending', 'fail'))
  const told = (job: JobRow): NewEvent[] => [{ type: 'job.failed', data: { reason: job.reason! } }]
  await context.events.appendToMany(
    tx,
    failed.map(job => ({ job, events: told(job) })),
  )
}

const BATCH = 100

/** Queues the pending jobs whose `runAt` has come and that wait for nobody. */
export const releaseDueJobs = (context: DependentsContext & { database: Database }): Promise<number> =>
  context.database.acrossOrganizations(async tx => {
    const due = await lockDue(tx, BATCH)
    await release(
      tx,
      context,
      due.map(({ id }) => id),
    )
    return due.length
  })

/** The net below `tellDependents`. Returns how many jobs it moved. */
export const sweepDependents = (context: DependentsContext & { database: Database }): Promise<number> =>
  context.database.acrossOrganizations(async tx => {
    const overlooked = await lockOverlooked(tx, BATCH)
    if (overlooked.length === 0) return 0
    return decide(tx, context, overlooked)
  })

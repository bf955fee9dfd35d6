// Submits jobs: their rows, their first events and the ring for the claimers, in one transaction; all of them or none.
import type { Job, NewEvent } from '@flowforge/protocol'
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import type { Database, Transaction } from '../store/database.ts'
import { isUniqueViolation } from '../store/database.ts'
import { holdPredecessors } from '../store/dependents.ts'
import { type Answer, answerOnce, type Once } from '../store/idempotency.ts'
import { findJobs, insertJobs, type JobRow, lockJob, type NewJob, takeJobNumbers } from '../store/jobs.ts'
import { holdRepository, type RepositoryRow } from '../store/repositories.ts'
import { tellDependents, verdictOn } from './dependents.ts'
import { type KeyedSubmission, needsOf, orderOf, positionsByKey } from './needs.ts'
import type { Doorbell, EventLog } from './ports.ts'
import {
  checkSubmission,
  newJob,
  type Origin,
  type Submission,
  type Submitter,
  startTime,
} from './submission.ts'
import { viewJob } from './view.ts'

export interface SubmitContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

export type BatchSubmission = Submission & KeyedSubmission

/** Answers 201 with the job, or what the same key was answered before. */
export const submitJob = (
  context: SubmitContext,
  submitter: Submitter,
  submission: Submission,
  once: Once | null,
): Promise<Answer<Job>> =>
  inOneGo(context, submitter, 1, once, async (tx, firstNumber) => {
    const [job] = await submitWithin(tx, context, submitter, [submission], firstNumber)
    return viewJob(job!)
  })

/** The jobs in the order in which they were given. A refusal names the place: `jobs.3.runAt`. */
export const submitBatch = (
  context: SubmitContext,
  submitter: Submitter,
  submissions: BatchSubmission[],
  once: Once | null,
): Promise<Answer<{ jobs: Job[] }>> =>
  inOneGo(context, submitter, submissions.length, once, async (tx, firstNumber) => ({
    jobs: (await submitWithin(tx, context, submitter, submissions, firstNumber, { isBatch: true })).map(job =>
      viewJob(job),
    ),
  }))

async function inOneGo<Body>(
  { database }: SubmitContext,
  { organizationId }: Submitter,
  count: number,
  once: Once | null,
  submit: (tx: Transaction, firstNumber: number) => Promise<Body>,
): Promise<Answer<Body>> {
  for (;;) {
    const firstNumber = await database.inOrganization(organizationId, tx =>
      takeJobNumbers(tx, organizationId, count),
    )
    try {
      return await database.inOrganization(organizationId, tx =>
        answerOnce(tx, organizationId, once, async () => ({
          status: 201,
          body: await submit(tx, firstNumber),
        })),
      )
    } catch (error) {
      if (!isNumberTaken(error)) throw error
    }
  }
}

/** Postgres crashed after it gave the number and before the number was on disk. */
export const isNumberTaken = (error: unknown): boolean =>
  isUniqueViolation(error, 'jobs_organization_id_number_key')

/** Within the caller's transaction, with numbers that the caller took before it. */
export async function submitWithin(
  tx: Transaction,
  context: Omit<SubmitContext, 'database'>,
  submitter: Submitter,
  submissions: BatchSubmission[],
  firstNumber: number,
  { origin = null, isBatch = false }: { origin?: Origin | null; isBatch?: boolean } = {},
): Promise<JobRow[]> {
  const at = <T>(position: number, act: () => T): T => (isBatch ? placed(position, act) : act())
  for (const [position, submission] of submissions.entries()) at(position, () => checkSubmission(submission))
  const ids = idsInOrder(submissions)
  const keys = positionsByKey(submissions)
  const others = await loadPredecessors(tx, submitter, submissions, keys, origin)
  const repositories = await loadRepositories(tx, submitter, submissions)
  const nowMs = Date.now()
  const planned = submissions.map((submission, position): NewJob => {
    const idOf = (reference: string): string => {
      const inner = keys.get(reference)
      return inner === undefined ? predecessor(others, reference).id : ids[inner]!
    }
    return at(position, () => {
      const repository = repositories.get(submission.repositoryId)
      if (!repository) throw repositoryNotFound()
      const runAt = startTime(submission.runAt, nowMs)
      const needs = [...new Set(needsOf(submission).map(idOf))]
      if (needs.length > MOST_NEEDS) throw tooManyNeeds()
      const baseFrom = submission.baseFrom === undefined ? null : idOf(submission.baseFrom)
      if (baseFrom) checkBase(submission, submissions[ids.indexOf(baseFrom)] ?? others.get(baseFrom)!)
      return newJob(submitter, submission, repository, {
        id: ids[position]!,
        number: firstNumber + position,
        state: runAt !== null || waits(needs, origin, others) ? 'pending' : 'queued',
        ...{ runAt, needs, baseFrom, origin },
      })
    })
  })
  return store(tx, context, planned, others)
}

const MOST_NEEDS = 50

/** Ascending as the jobs need each other, so that locks that go by id go from a job to those that wait for it. */
function idsInOrder(submissions: readonly KeyedSubmission[]): string[] {
  const ids: string[] = new Array(submissions.length)
  for (const position of orderOf(submissions)) ids[position] = uuidv7()
  return ids
}

type Predecessors = Map<string, JobRow>

/** Jobs that are there already, by the references that name them. Held, so that none ends unseen. */
async function loadPredecessors(
  tx: Transaction,
  { organizationId }: Submitter,
  submissions: BatchSubmission[],
  keys: Map<string, number>,
  origin: Origin | null,
): Promise<Predecessors> {
  const references = new Set(submissions.flatMap(needsOf).filter(reference => !keys.has(reference)))
  if (origin?.startAfter) references.add(origin.startAfter)
  if (references.size === 0) return new Map()
  const found = await findJobs(tx, organizationId, [...references])
  const held = await holdPredecessors(
    tx,
    organizationId,
    found.map(({ id }) => id),
  )
  return new Map(held.flatMap(job => [[job.id, job] as const, [String(job.number), job] as const]))
}

function predecessor(others: Predecessors, reference: string): JobRow {
  const job = others.get(reference.toLowerCase())
  if (job) return job
  throw new FlowForgeError(
    'job_not_found',
    `needs: there is no job ${reference.slice(0, 100)}. List them with: flowforge job list`,
  )
}

const tooManyNeeds = () =>
  new FlowForgeError('validation_failed', `needs: a job needs at most ${MOST_NEEDS} others.`)

async function loadRepositories(
  tx: Transaction,
  { organizationId }: Submitter,
  submissions: Submission[],
): Promise<Map<string, RepositoryRow>> {
  const ids = [...new Set(submissions.map(({ repositoryId }) => repositoryId))].sort()
  const rows = new Map<string, RepositoryRow>()
  for (const id of ids) {
    const row = await holdRepository(tx, organizationId, id)
    if (row) rows.set(id, row)
  }
  return rows
}

const repositoryNotFound = () =>
  new FlowForgeError(
    'repository_not_found',
    'There is no repository with this id. List them with: flowforge repo list',
  )

/** A commit of one repository is nothing to another. */
function checkBase(submission: Submission, base: Submission | JobRow): void {
  const repositoryId = 'repositoryId' in base ? base.repositoryId : base.repository_id
  if (repositoryId !== submission.repositoryId)
    throw new FlowForgeError('validation_failed', 'baseFrom: that job works on another repository.')
}

/** Also when what it needs has failed: then it fails too, as it would have a moment later. */
const waits = (needs: string[], origin: Origin | null, others: Predecessors): boolean =>
  needs.some(id => !others.has(id)) ||
  verdictOn({ needs, start_after: origin?.startAfter ?? null }, others).kind !== 'ready'

async function store(
  tx: Transaction,
  context: Omit<SubmitContext, 'database'>,
  planned: NewJob[],
  others: Predecessors,
): Promise<JobRow[]> {
  const jobs = await insertJobs(tx, planned)
  await context.events.appendToMany(
    tx,
    jobs.map(job => ({ job, events: beginning(job) })),
  )
  const predecessors = [...new Set(others.values())]
  // Among them those that these wait for: a claim skips what is held here, and would look again only at its next poll.
  const queued = [...jobs, ...predecessors].filter(({ state }) => state === 'queued').map(({ id }) => id)
  if (queued.length > 0) await context.doorbell.ring(tx, queued)
  const lost = predecessors.filter(({ state }) => state === 'failed' || state === 'cancelled')
  if (lost.length === 0) return jobs
  await tellDependents(tx, context, lost)
  return Promise.all(jobs.map(async ({ id }) => (await lockJob(tx, id))!))
}

const beginning = (job: JobRow): NewEvent[] => [
  {
    type: 'job.created',
    data: {
      task: job.task,
      repositoryId: job.repository_id,
      baseBranch: job.base_branch ?? 'HEAD',
      branch: job.branch,
    },
  },
  job.state === 'queued' ? { type: 'job.queued', data: {} } : { type: 'job.pending', data: pendingFor(job) },
]

/** What a pending job waits for, as its story says it. */
export const pendingFor = (job: JobRow) => ({
  runAt: job.run_at?.toISOString(),
  needs: job.needs.length > 0 ? job.needs : undefined,
  after: job.start_after ?? undefined,
})

/** Says which job of a batch was refused. */
function placed<T>(position: number, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!isFlowForgeError(error)) throw error
    const path = `jobs.${position}`
    throw new FlowForgeError(error.code, `${path}: ${error.message}`, {
      cause: error,
      details: { ...error.details, errors: [{ path, message: error.message }] },
    })
  }
}

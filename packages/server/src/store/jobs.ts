// SQL of jobs: rows, pages, and the conditional updates that change a state. Which change is allowed is decided in
// jobs/states.ts; here the update names the state it expects, so that of two rivals one wins.
import type { JobResult, JobState, Questions, Reason, Stage, WaitingFor } from '@flowforge/protocol'
import sql, { empty, join } from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface JobRow {
  id: string
  organization_id: string
  repository_id: string
  number: number
  created_by: string | null
  state: JobState
  priority: number
  task: string
  base_branch: string | null
  base_commit: string | null
  branch: string
  head_commit: string | null
  pull_request_url: string | null
  model: string | null
  setup: string[]
  verify: string[]
  environment: Record<string, string>
  budget_usd: number | null
  timeout_seconds: number
  max_attempts: number
  attempt: number
  /** Made before a person's last retry. */
  attempts_before: number
  /** An automatic retry waits until then. */
  not_before: Date | null
  turn: number
  stage: Stage | null
  waiting_for: WaitingFor | null
  waiting_since: Date | null
  plan_first: boolean
  questions: Questions
  /** Number of the newest message of a person, and of the newest that Claude was given. */
  messages: number
  messages_told: number
  /** What FlowForge itself put on the branch. */
  published_commit: string | null
  reason: Reason | null
  result: JobResult | null
  cost_usd: number
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  scripted_model: boolean
  cancel_requested_at: Date | null
  cancelled_by: string | null
  last_seq: number
  run_at: Date | null
  created_at: Date
  queued_at: Date | null
  started_at: Date | null
  finished_at: Date | null
}

/** In a transaction of its own that waits for no disk: a crash of Postgres may skip numbers, and a taken one is tried again. */
export async function takeJobNumber(tx: Transaction, organizationId: string): Promise<number> {
  await tx.run(sql`set local synchronous_commit = off`)
  const row = await tx.first<{ last_number: number }>(sql`
    insert into job_numbers as n (organization_id, last_number)
    values (${organizationId}, 1 + coalesce((select max(number) from jobs where organization_id = ${organizationId}), 0))
    on conflict (organization_id) do update set last_number = n.last_number + 1
    returning last_number`)
  return row!.last_number
}

export type NewJob = Pick<
  JobRow,
  | 'id'
  | 'organization_id'
  | 'repository_id'
  | 'number'
  | 'created_by'
  | 'state'
  | 'priority'
  | 'task'
  | 'base_branch'
  | 'branch'
  | 'model'
  | 'setup'
  | 'verify'
  | 'environment'
  | 'budget_usd'
  | 'timeout_seconds'
  | 'max_attempts'
  | 'run_at'
  | 'plan_first'
  | 'questions'
>

export const insertJob = async (tx: Transaction, job: NewJob): Promise<JobRow> =>
  (await tx.first<JobRow>(sql`
    insert into jobs (id, organization_id, repository_id, number, created_by, state, priority, task, base_branch, branch,
                      model, setup, verify, environment, budget_usd, timeout_seconds, max_attempts, run_at,
                      plan_first, questions, queued_at)
    values (${job.id}, ${job.organization_id}, ${job.repository_id}, ${job.number}, ${job.created_by}, ${job.state},
            ${job.priority}, ${job.task}, ${job.base_branch}, ${job.branch}, ${job.model}, ${job.setup}, ${job.verify},
            ${job.environment}, ${job.budget_usd}, ${job.timeout_seconds}, ${job.max_attempts}, ${job.run_at},
            ${job.plan_first}, ${job.questions},
            case when ${job.state} = 'queued' then now() end)
    returning *`))!

const byReference = (reference: string) =>
  /^[0-9]+$/.test(reference) ? sql`number = ${Number(reference)}::bigint` : sql`id = ${reference}::uuid`

/** `reference` is an id or a number. The caller has checked that it is one of the two. */
export const findJob = (
  tx: Transaction,
  organizationId: string,
  reference: string,
): Promise<JobRow | undefined> =>
  tx.first(sql`select * from jobs where organization_id = ${organizationId} and ${byReference(reference)}`)

export const lockJob = (tx: Transaction, id: string): Promise<JobRow | undefined> =>
  tx.first(sql`select * from jobs where id = ${id} for update`)

export interface JobFilter {
  states: JobState[] | null
  repositoryId: string | null
}

/** Newest first; `before` is the id of the last row of the page before. */
export const listJobs = (
  tx: Transaction,
  organizationId: string,
  filter: JobFilter,
  page: { limit: number; before: string | null },
): Promise<JobRow[]> => {
  const conditions = [
    sql`organization_id = ${organizationId}`,
    ...(filter.states ? [sql`state = any(${filter.states})`] : []),
    ...(filter.repositoryId ? [sql`repository_id = ${filter.repositoryId}`] : []),
    ...(page.before ? [sql`id < ${page.before}::uuid`] : []),
  ]
  return tx.all(
    sql`select * from jobs where ${join(conditions, ' and ')} order by id desc limit ${page.limit}`,
  )
}

/** How many queued jobs come before this one. */
export const queuePosition = async (tx: Transaction, job: JobRow): Promise<number> =>
  (await tx.first<{ ahead: number }>(sql`
    select count(*) as ahead from jobs
    where state = 'queued' and (priority > ${job.priority}
      or (priority = ${job.priority} and (queued_at, id) < (select queued_at, id from jobs where id = ${job.id})))`))!
    .ahead + 1

export interface JobChange {
  state?: JobState
  stage?: Stage | null
  waiting_for?: WaitingFor | null
  reason?: Reason | null
  result?: JobResult
  base_branch?: string
  base_commit?: string
  head_commit?: string | null
  published_commit?: string
  turn?: number
  attempt?: number
  attempts_before?: number
  cancelled_by?: string | null
  priority?: number
  budget_usd?: number | null
  run_at?: Date | null
}

/** The row must be locked by the caller (`lockJob`), or the change must not depend on what was read. */
export const updateJob = async (tx: Transaction, id: string, change: JobChange): Promise<JobRow> => {
  const assignments = Object.entries(change)
    .filter(([, value]) => value !== undefined)
    .map(([column, value]) => sql`${column_(column)} = ${value}`)
  const times = stateTimes(change.state)
  return (await tx.first<JobRow>(
    sql`update jobs set ${join([...assignments, ...times], ', ')} where id = ${id} returning *`,
  ))!
}

const COLUMNS = {
  state: sql`state`,
  stage: sql`stage`,
  waiting_for: sql`waiting_for`,
  reason: sql`reason`,
  result: sql`result`,
  base_branch: sql`base_branch`,
  base_commit: sql`base_commit`,
  head_commit: sql`head_commit`,
  published_commit: sql`published_commit`,
  turn: sql`turn`,
  attempt: sql`attempt`,
  attempts_before: sql`attempts_before`,
  cancelled_by: sql`cancelled_by`,
  priority: sql`priority`,
  budget_usd: sql`budget_usd`,
  run_at: sql`run_at`,
} satisfies Record<keyof JobChange, unknown>
const column_ = (name: string) => COLUMNS[name as keyof JobChange]

const NOT_WAITING = [sql`waiting_for = null`, sql`waiting_since = null`]

function stateTimes(state: JobState | undefined) {
  switch (state) {
    case 'queued':
      return [
        sql`queued_at = now()`,
        sql`not_before = null`,
        sql`finished_at = null`,
        sql`cancel_requested_at = null`,
        ...NOT_WAITING,
      ]
    case 'running':
      return [sql`started_at = coalesce(started_at, now())`, ...NOT_WAITING]
    case 'waiting':
      return [sql`waiting_since = now()`]
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return [sql`finished_at = now()`, sql`stage = null`, ...NOT_WAITING]
    default:
      return []
  }
}

/** A queued job is not claimed before this has passed. */
export const delayJob = (tx: Transaction, id: string, delayMs: number): Promise<number> =>
  tx.run(sql`update jobs set not_before = now() + make_interval(secs => ${delayMs / 1000}) where id = ${id}`)

export const requestCancel = (tx: Transaction, id: string, by: string | null): Promise<number> =>
  tx.run(
    sql`update jobs set cancel_requested_at = now(), cancelled_by = ${by} where id = ${id} and cancel_requested_at is null`,
  )

/** Those that have waited for a person for longer than this, locked. */
export const lockOverdueWaits = (tx: Transaction, limitSeconds: number, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs where state = 'waiting' and waiting_since < now() - make_interval(secs => ${limitSeconds})
    order by waiting_since limit ${limit} for update skip locked`)

/** Pending jobs whose time has come, locked. */
export const lockDue = (tx: Transaction, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs where state = 'pending' and run_at <= now()
    order by run_at limit ${limit} for update skip locked`)

export const countByState = (
  tx: Transaction,
  organizationId: string | null,
): Promise<Array<{ state: JobState; count: number }>> =>
  tx.all(sql`
    select state, count(*) as count from jobs
    where state in ('pending', 'queued', 'running', 'waiting')
      ${organizationId === null ? empty : sql`and organization_id = ${organizationId}`}
    group by state`)

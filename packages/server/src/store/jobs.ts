// SQL of jobs: rows, pages, and the conditional updates that change a state. Which change is allowed is decided in
// jobs/states.ts; here the update names the state it expects, so that of two rivals one wins.
import type { JobResult, JobState, Reason, Stage, WaitingFor } from '@flowforge/protocol'
import sql, { empty, join, raw } from 'sql-template-tag'
import type { Transaction } from './database.ts'
import { merged } from './merged.ts'

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
>

export const insertJob = async (tx: Transaction, job: NewJob): Promise<JobRow> =>
  (await tx.first<JobRow>(sql`
    insert into jobs (id, organization_id, repository_id, number, created_by, state, priority, task, base_branch, branch,
                      model, setup, verify, environment, budget_usd, timeout_seconds, max_attempts, run_at, queued_at)
    values (${job.id}, ${job.organization_id}, ${job.repository_id}, ${job.number}, ${job.created_by}, ${job.state},
            ${job.priority}, ${job.task}, ${job.base_branch}, ${job.branch}, ${job.model}, ${job.setup}, ${job.verify},
            ${job.environment}, ${job.budget_usd}, ${job.timeout_seconds}, ${job.max_attempts}, ${job.run_at},
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

/** Those who share a transaction lock in one order, so that two transactions do not wait for each other. */
export const lockJob: (tx: Transaction, id: string) => Promise<JobRow | undefined> = merged(
  id => id,
  async (tx: Transaction, ids: string[]) => {
    const rows = await tx.all<JobRow>(
      sql`select * from jobs where id = any(${ids}::uuid[]) order by id for update`,
    )
    const byId = new Map(rows.map(row => [row.id, row]))
    return ids.map(id => byId.get(id))
  },
)

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
  attempt?: number
  attempts_before?: number
  cancelled_by?: string | null
  priority?: number
  budget_usd?: number | null
  run_at?: Date | null
}

/** Columns that change; `now` is the transaction's time. */
type Assignments = Partial<Record<(typeof CHANGING_COLUMNS)[number], unknown>>

const CHANGING_COLUMNS = [
  'state',
  'stage',
  'waiting_for',
  'reason',
  'result',
  'base_branch',
  'base_commit',
  'head_commit',
  'attempt',
  'attempts_before',
  'cancelled_by',
  'priority',
  'budget_usd',
  'run_at',
  'queued_at',
  'not_before',
  'started_at',
  'finished_at',
  'cancel_requested_at',
] as const satisfies Array<keyof JobRow>

const assign = merged(
  ({ id }) => id,
  async (tx: Transaction, changes: Array<{ id: string; to: Assignments }>): Promise<JobRow[]> => {
    const rows = await tx.all<JobRow>(sql`
      update jobs j set (${raw(CHANGING_COLUMNS.join(', '))}) = (
        select ${raw(CHANGING_COLUMNS.map(column => `changed.${column}`).join(', '))}
        from jsonb_populate_record(j, c.assignments) as changed)
      from unnest(${changes.map(({ id }) => id)}::uuid[], ${changes.map(({ to }) => to)}::jsonb[]) as c (id, assignments)
      where j.id = c.id
      returning j.*`)
    const byId = new Map(rows.map(row => [row.id, row]))
    return changes.map(({ id }) => byId.get(id)!)
  },
)

/** The row must be locked by the caller (`lockJob`), or the change must not depend on what was read. */
export const updateJob = (tx: Transaction, id: string, change: JobChange): Promise<JobRow> =>
  assign(tx, { id, to: { ...change, ...stateTimes(change.state) } })

function stateTimes(state: JobState | undefined): Assignments {
  switch (state) {
    case 'queued':
      return { queued_at: 'now', not_before: null, finished_at: null, cancel_requested_at: null }
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return { finished_at: 'now', stage: null, waiting_for: null }
    default:
      return {}
  }
}

/** A queued job is not claimed before this has passed. */
export const delayJob = (tx: Transaction, id: string, delayMs: number): Promise<number> =>
  tx.run(sql`update jobs set not_before = now() + make_interval(secs => ${delayMs / 1000}) where id = ${id}`)

export const requestCancel = (tx: Transaction, id: string, by: string | null): Promise<number> =>
  tx.run(
    sql`update jobs set cancel_requested_at = now(), cancelled_by = ${by} where id = ${id} and cancel_requested_at is null`,
  )

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

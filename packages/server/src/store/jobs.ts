// SQL of jobs: rows, pages, and the conditional updates that change a state. Which change is allowed is decided in
// jobs/states.ts; here the update names the state it expects, so that of two rivals one wins.
import type { JobResult, JobState, Reason, Stage, WaitingFor } from '@flowforge/protocol'
import sql, { empty, join, raw } from 'sql-template-tag'
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
  /** Jobs that must have succeeded before this one starts. */
  needs: string[]
  /** The needed job whose result this one starts from. */
  base_from: string | null
  /** The job that must have ended before this one starts. */
  start_after: string | null
  schedule_id: string | null
  cache: boolean
  cache_key: string | null
  cached_from: string | null
  cached_from_number: number | null
  created_at: Date
  queued_at: Date | null
  started_at: Date | null
  finished_at: Date | null
}

/**
 * The first of `count` numbers in a row. In a transaction of its own that waits for no disk: a crash of Postgres may skip
 * numbers, and a taken one is tried again.
 */
export async function takeJobNumbers(
  tx: Transaction,
  organizationId: string,
  count: number,
): Promise<number> {
  await tx.run(sql`set local synchronous_commit = off`)
  const row = await tx.first<{ last_number: number }>(sql`
    insert into job_numbers as n (organization_id, last_number)
    values (${organizationId}, ${count}::int
            + coalesce((select max(number) from jobs where organization_id = ${organizationId}), 0))
    on conflict (organization_id) do update set last_number = n.last_number + ${count}::int
    returning last_number`)
  return row!.last_number - count + 1
}

/** What a new job is made of: the column's name and its type. */
const NEW_JOB_COLUMNS = {
  id: 'uuid',
  organization_id: 'text',
  repository_id: 'uuid',
  number: 'int',
  created_by: 'text',
  state: 'text',
  priority: 'smallint',
  task: 'text',
  base_branch: 'text',
  branch: 'text',
  model: 'text',
  setup: 'text[]',
  verify: 'text[]',
  environment: 'jsonb',
  budget_usd: 'numeric',
  timeout_seconds: 'int',
  max_attempts: 'int',
  run_at: 'timestamptz',
  needs: 'uuid[]',
  base_from: 'uuid',
  start_after: 'uuid',
  schedule_id: 'uuid',
  cache: 'boolean',
} as const satisfies Partial<Record<keyof JobRow, string>>

export type NewJob = Pick<JobRow, keyof typeof NEW_JOB_COLUMNS>

const NEW_JOB_NAMES = raw(Object.keys(NEW_JOB_COLUMNS).join(', '))
const NEW_JOB_RECORD = raw(
  Object.entries(NEW_JOB_COLUMNS)
    .map(([name, type]) => `${name} ${type}`)
    .join(', '),
)

/** One statement for all of them. Returns the rows in the order in which they were given. */
export async function insertJobs(tx: Transaction, jobs: NewJob[]): Promise<JobRow[]> {
  const rows = await tx.all<JobRow>(sql`
    insert into jobs (${NEW_JOB_NAMES}, queued_at)
    select ${NEW_JOB_NAMES}, case when state = 'queued' then now() end
    from jsonb_to_recordset((${{ jobs }}::jsonb) -> 'jobs') as new (${NEW_JOB_RECORD})
    returning *`)
  const position = new Map(jobs.map(({ id }, index) => [id, index]))
  return rows.sort((a, b) => position.get(a.id)! - position.get(b.id)!)
}

const byReference = (reference: string) =>
  /^[0-9]+$/.test(reference) ? sql`number = ${Number(reference)}::bigint` : sql`id = ${reference}::uuid`

/** `reference` is an id or a number. The caller has checked that it is one of the two. */
export const findJob = (
  tx: Transaction,
  organizationId: string,
  reference: string,
): Promise<JobRow | undefined> =>
  tx.first(sql`select * from jobs where organization_id = ${organizationId} and ${byReference(reference)}`)

/** Those that there are, of ids and numbers. */
export const findJobs = (
  tx: Transaction,
  organizationId: string,
  references: string[],
): Promise<Array<{ id: string; number: number }>> =>
  tx.all(sql`
    select id, number from jobs where organization_id = ${organizationId}
      and (id = any(${references.filter(text => UUID.test(text))}::uuid[])
        or number = any(${references.filter(text => NUMBER.test(text)).map(Number)}::int[]))`)

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const NUMBER = /^[0-9]{1,9}$/

export const lockJob = (tx: Transaction, id: string): Promise<JobRow | undefined> =>
  tx.first(sql`select * from jobs where id = ${id} for update`)

export interface JobFilter {
  states: JobState[] | null
  repositoryId: string | null
  scheduleId?: string | null
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
    ...(filter.scheduleId ? [sql`schedule_id = ${filter.scheduleId}`] : []),
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
  cache_key?: string
  cached_from?: string
  cached_from_number?: number
  head_commit?: string | null
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
  cache_key: sql`cache_key`,
  cached_from: sql`cached_from`,
  cached_from_number: sql`cached_from_number`,
  head_commit: sql`head_commit`,
  attempt: sql`attempt`,
  attempts_before: sql`attempts_before`,
  cancelled_by: sql`cancelled_by`,
  priority: sql`priority`,
  budget_usd: sql`budget_usd`,
  run_at: sql`run_at`,
} satisfies Record<keyof JobChange, unknown>
const column_ = (name: string) => COLUMNS[name as keyof JobChange]

function stateTimes(state: JobState | undefined) {
  switch (state) {
    case 'queued':
      return [
        sql`queued_at = now()`,
        sql`not_before = null`,
        sql`finished_at = null`,
        sql`cancel_requested_at = null`,
      ]
    case 'pending':
      return [
        sql`queued_at = null`,
        sql`not_before = null`,
        sql`finished_at = null`,
        sql`cancel_requested_at = null`,
      ]
    case 'running':
      return [sql`started_at = coalesce(started_at, now())`]
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return [sql`finished_at = now()`, sql`stage = null`, sql`waiting_for = null`]
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

export const countByState = (
  tx: Transaction,
  organizationId: string | null,
): Promise<Array<{ state: JobState; count: number }>> =>
  tx.all(sql`
    select state, count(*) as count from jobs
    where state in ('pending', 'queued', 'running', 'waiting')
      ${organizationId === null ? empty : sql`and organization_id = ${organizationId}`}
    group by state`)

/** Of a schedule, locked; those that wait for others last, as everywhere. */
export const lockUnfinishedOfSchedule = (tx: Transaction, scheduleId: string): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs
    where schedule_id = ${scheduleId} and state in ('pending', 'queued', 'running', 'waiting')
    order by state = 'pending', id for update`)

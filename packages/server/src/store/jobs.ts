// SQL of jobs: rows, pages, and the conditional updates that change a state. Which change is allowed is decided in
// jobs/states.ts; here the update names the state it expects, so that of two rivals one wins.
import type { JobResult, JobState, Questions, Reason, Stage, WaitingFor } from '@flowforge/protocol'
import sql, { empty, join, raw, type Sql } from 'sql-template-tag'
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
  /** How long it may wait in the queue; null: the default. */
  queue_timeout_seconds: number | null
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
  const counted = await tx.first<{ last_number: number }>(sql`
    update job_numbers set last_number = last_number + ${count}::int
    where organization_id = ${organizationId} returning last_number`)
  // Only for the first job, since to look for the highest number takes the longer the more jobs there are.
  const row =
    counted ??
    (await tx.first<{ last_number: number }>(sql`
      insert into job_numbers as n (organization_id, last_number)
      values (${organizationId}, ${count}::int
              + coalesce((select max(number) from jobs where organization_id = ${organizationId}), 0))
      on conflict (organization_id) do update set last_number = n.last_number + ${count}::int
      returning last_number`))
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
  queue_timeout_seconds: 'int',
  run_at: 'timestamptz',
  needs: 'uuid[]',
  base_from: 'uuid',
  start_after: 'uuid',
  schedule_id: 'uuid',
  cache: 'boolean',
  plan_first: 'boolean',
  questions: 'text',
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

export const findJobNow = (
  tx: Transaction,
  id: string,
): Promise<Pick<JobRow, 'state' | 'stage'> | undefined> =>
  tx.first(sql`select state, stage from jobs where id = ${id}`)

export interface JobFilter {
  states: JobState[] | null
  repositoryId: string | null
  scheduleId?: string | null
}

/**
 * Newest first; `before` is the id of the last row of the page before. Each state is read by itself, from its index: of
 * several at once Postgres would sort all that there ever were.
 */
export const listJobs = (
  tx: Transaction,
  organizationId: string,
  filter: JobFilter,
  page: { limit: number; before: string | null },
): Promise<JobRow[]> => {
  const conditions = [
    sql`organization_id = ${organizationId}`,
    ...(filter.repositoryId ? [sql`repository_id = ${filter.repositoryId}`] : []),
    ...(filter.scheduleId ? [sql`schedule_id = ${filter.scheduleId}`] : []),
    ...(page.before ? [sql`id < ${page.before}::uuid`] : []),
  ]
  const newest = (all: Sql[]) =>
    sql`(select * from jobs where ${join(all, ' and ')} order by id desc limit ${page.limit})`
  const parts = filter.states
    ? [...new Set(filter.states)].map(state => newest([...conditions, sql`state = ${state}`]))
    : [newest(conditions)]
  if (parts.length === 0) return Promise.resolve([])
  return tx.all(sql`select * from (${join(parts, ' union all ')}) page order by id desc limit ${page.limit}`)
}

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
  published_commit?: string
  turn?: number
  attempt?: number
  attempts_before?: number
  cancelled_by?: string | null
  priority?: number
  budget_usd?: number | null
  run_at?: Date | null
}

/** What a change writes: its own columns, and the times of its state. `now` is the transaction's time. */
type Assignments = Partial<Record<keyof typeof CHANGING_COLUMNS, unknown>>

const CHANGING_COLUMNS = {
  state: true,
  stage: true,
  waiting_for: true,
  reason: true,
  result: true,
  base_branch: true,
  base_commit: true,
  cache_key: true,
  cached_from: true,
  cached_from_number: true,
  head_commit: true,
  published_commit: true,
  turn: true,
  attempt: true,
  attempts_before: true,
  cancelled_by: true,
  priority: true,
  budget_usd: true,
  run_at: true,
  queued_at: true,
  not_before: true,
  started_at: true,
  finished_at: true,
  cancel_requested_at: true,
  waiting_since: true,
} as const satisfies Record<keyof JobChange, true> & Partial<Record<keyof JobRow, true>>

const TO_CHANGE = raw(Object.keys(CHANGING_COLUMNS).join(', '))
/** Of a column that a change does not name, the row's own value. */
const CHANGED = raw(
  Object.keys(CHANGING_COLUMNS)
    .map(name => (name === 'started_at' ? 'coalesce(j.started_at, changed.started_at)' : `changed.${name}`))
    .join(', '),
)

const assign = merged(
  ({ id }) => id,
  async (tx: Transaction, changes: Array<{ id: string; to: Assignments }>): Promise<JobRow[]> => {
    const rows = await tx.all<JobRow>(sql`
      update jobs j set (${TO_CHANGE}) = (select ${CHANGED} from jsonb_populate_record(j, c.assignments) as changed)
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

const NOT_WAITING = { waiting_for: null, waiting_since: null } as const

function stateTimes(state: JobState | undefined): Assignments {
  switch (state) {
    case 'queued':
      return {
        queued_at: 'now',
        not_before: null,
        finished_at: null,
        cancel_requested_at: null,
        ...NOT_WAITING,
      }
    case 'pending':
      return { queued_at: null, not_before: null, finished_at: null, cancel_requested_at: null }
    case 'running':
      return { started_at: 'now', ...NOT_WAITING }
    case 'waiting':
      return { waiting_since: 'now' }
    case 'succeeded':
    case 'failed':
    case 'cancelled':
      return { finished_at: 'now', stage: null, ...NOT_WAITING }
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

/** Those that have waited for a person for longer than this, locked. */
export const lockOverdueWaits = (tx: Transaction, limitSeconds: number, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs where state = 'waiting' and waiting_since < now() - make_interval(secs => ${limitSeconds})
    order by waiting_since limit ${limit} for update skip locked`)

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

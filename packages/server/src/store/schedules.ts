// SQL of schedules and of what became of their due times.
import sql, { join } from 'sql-template-tag'
import type { Transaction } from './database.ts'

export const OVERLAPS = ['skip', 'queue', 'cancel_previous'] as const
export type Overlap = (typeof OVERLAPS)[number]
export const MISSED = ['skip', 'run_once'] as const
export type Missed = (typeof MISSED)[number]
export const RUN_OUTCOMES = ['submitted', 'skipped', 'missed', 'failed'] as const
export type RunOutcome = (typeof RUN_OUTCOMES)[number]

export interface ScheduleRow {
  id: string
  organization_id: string
  /** null: the repository was removed. */
  repository_id: string | null
  name: string
  cron: string
  timezone: string
  /** As POST /jobs takes it. */
  job: Record<string, unknown>
  overlap: Overlap
  missed: Missed
  enabled: boolean
  next_run_at: Date | null
  last_run_at: Date | null
  last_job_id: string | null
  last_error: { code: string; message: string; at: string } | null
  created_by: string | null
  created_at: Date
}

export type NewSchedule = Omit<ScheduleRow, 'last_run_at' | 'last_job_id' | 'last_error' | 'created_at'>

export const insertSchedule = async (tx: Transaction, row: NewSchedule): Promise<ScheduleRow> =>
  (await tx.first<ScheduleRow>(sql`
    insert into schedules (id, organization_id, repository_id, name, cron, timezone, job, overlap, missed, enabled,
                           next_run_at, created_by)
    values (${row.id}, ${row.organization_id}, ${row.repository_id}, ${row.name}, ${row.cron}, ${row.timezone},
            ${row.job}, ${row.overlap}, ${row.missed}, ${row.enabled}, ${row.next_run_at}, ${row.created_by})
    returning *`))!

export const findSchedule = (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<ScheduleRow | undefined> =>
  tx.first(sql`select * from schedules where organization_id = ${organizationId} and id = ${id}`)

export const lockSchedule = (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<ScheduleRow | undefined> =>
  tx.first(sql`select * from schedules where organization_id = ${organizationId} and id = ${id} for update`)

/** Newest first; `before` is the id of the last row of the page before. */
export const listSchedules = (
  tx: Transaction,
  organizationId: string,
  page: { limit: number; before: string | null },
): Promise<ScheduleRow[]> =>
  tx.all(sql`
    select * from schedules
    where organization_id = ${organizationId} and (${page.before}::uuid is null or id < ${page.before}::uuid)
    order by id desc limit ${page.limit}`)

export type ScheduleChange = Partial<
  Omit<ScheduleRow, 'id' | 'organization_id' | 'created_by' | 'created_at'>
>

const COLUMNS: Record<keyof ScheduleChange, ReturnType<typeof sql>> = {
  repository_id: sql`repository_id`,
  name: sql`name`,
  cron: sql`cron`,
  timezone: sql`timezone`,
  job: sql`job`,
  overlap: sql`overlap`,
  missed: sql`missed`,
  enabled: sql`enabled`,
  next_run_at: sql`next_run_at`,
  last_run_at: sql`last_run_at`,
  last_job_id: sql`last_job_id`,
  last_error: sql`last_error`,
}

/** The row is locked by the caller. */
export const updateSchedule = async (
  tx: Transaction,
  id: string,
  change: ScheduleChange,
): Promise<ScheduleRow> => {
  const assignments = Object.entries(change)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => sql`${COLUMNS[name as keyof ScheduleChange]} = ${value}`)
  return (await tx.first<ScheduleRow>(
    sql`update schedules set ${join(assignments, ', ')} where id = ${id} returning *`,
  ))!
}

export const deleteSchedule = async (tx: Transaction, organizationId: string, id: string): Promise<boolean> =>
  (await tx.run(sql`delete from schedules where organization_id = ${organizationId} and id = ${id}`)) > 0

/** Not locked: whoever takes one looks again (`lockDueSchedule`). */
export const findDueSchedules = (
  tx: Transaction,
  limit: number,
): Promise<Array<{ id: string; organization_id: string }>> =>
  tx.all(sql`
    select id, organization_id from schedules where enabled and next_run_at <= now()
    order by next_run_at limit ${limit}`)

/** With the database's time. Undefined: another process has it, or has dealt with it. */
export const lockDueSchedule = (
  tx: Transaction,
  id: string,
): Promise<(ScheduleRow & { now: Date; next_run_at: Date }) | undefined> =>
  tx.first(sql`
    select *, now() as now from schedules where id = ${id} and enabled and next_run_at <= now()
    for update skip locked`)

export interface ScheduleRunRow {
  schedule_id: string
  due_at: Date
  outcome: RunOutcome
  job_id: string | null
  message: string | null
  at: Date
}

const KEPT_DAYS = 90

/** Fails (unique violation) when this due time has been dealt with. Forgets what is old. */
export async function insertRun(
  tx: Transaction,
  schedule: Pick<ScheduleRow, 'id' | 'organization_id'>,
  run: Omit<ScheduleRunRow, 'schedule_id' | 'at'>,
): Promise<void> {
  await tx.run(sql`
    insert into schedule_runs (schedule_id, due_at, organization_id, outcome, job_id, message)
    values (${schedule.id}, ${run.due_at}, ${schedule.organization_id}, ${run.outcome}, ${run.job_id}, ${run.message})`)
  await tx.run(sql`
    delete from schedule_runs
    where schedule_id = ${schedule.id} and due_at < now() - make_interval(days => ${KEPT_DAYS})`)
}

/** Newest first. */
export const listRuns = (
  tx: Transaction,
  organizationId: string,
  scheduleId: string,
  limit: number,
): Promise<Array<ScheduleRunRow & { job_number: number | null }>> =>
  tx.all(sql`
    select r.*, j.number as job_number from schedule_runs r left join jobs j on j.id = r.job_id
    where r.organization_id = ${organizationId} and r.schedule_id = ${scheduleId}
    order by r.due_at desc limit ${limit}`)

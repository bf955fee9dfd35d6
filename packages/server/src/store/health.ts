// SQL of the doctor: what waits and why, whose lease is over, who leads, how large it all is. Reads only.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface WaitingJob {
  waited_seconds: number
  branch_busy: boolean
  repository_limit: number | null
  repository_running: number
  organization_limit: number | null
  organization_running: number
}

/** The job that could have started longest ago, with all that may hold it back. */
export const oldestWaiting = (tx: Transaction): Promise<WaitingJob | undefined> =>
  tx.first(sql`
    select extract(epoch from now() - j.queued_at)::float8 as waited_seconds,
      exists (select from jobs l where l.repository_id = j.repository_id and l.branch = j.branch
              and l.state in ('running', 'waiting')) as branch_busy,
      r.max_running as repository_limit,
      (select count(*) from jobs l where l.repository_id = j.repository_id and l.state = 'running') as repository_running,
      o.max_running as organization_limit,
      (select count(*) from jobs l where l.organization_id = j.organization_id and l.state = 'running') as organization_running
    from jobs j join repositories r on r.id = j.repository_id
    left join organization_limits o on o.organization_id = j.organization_id
    where j.state = 'queued' and (j.not_before is null or j.not_before <= now())
    order by j.queued_at, j.id limit 1`)

/** Queued again after a failure, for later. */
export const countDelayed = async (tx: Transaction): Promise<number> =>
  (await tx.first<{ count: number }>(
    sql`select count(*) from jobs where state = 'queued' and not_before > now()`,
  ))!.count

export interface LeaseHealth {
  live: number
  /** Over for longer than recovery takes. */
  overdue: number
  /** Still running, though nobody has heard of the worker. */
  silent: number
}

export const leaseHealth = async (tx: Transaction, leaseSeconds: number): Promise<LeaseHealth> =>
  (await tx.first<LeaseHealth>(sql`
    select count(*) as live,
      count(*) filter (where a.lease_expires_at < now() - make_interval(secs => ${leaseSeconds})) as overdue,
      count(*) filter (where a.lease_expires_at >= now() and (
        w.id is null or w.heartbeat_at < now() - make_interval(secs => ${2 * leaseSeconds}))) as silent
    from attempts a left join workers w on w.id = a.worker_id
    where a.ended_at is null`))!

/** Attempts that hold a container, or should, for so long already. */
export const listSettledAttempts = async (tx: Transaction, ageSeconds: number): Promise<string[]> =>
  (
    await tx.all<{ id: string }>(sql`
    select a.id from attempts a join jobs j on j.id = a.job_id
    where a.ended_at is null and j.state = 'running' and a.reports = '{}' and a.containers <> '{}'
      and a.started_at < now() - make_interval(secs => ${ageSeconds})`)
  ).map(({ id }) => id)

/** Whether any process holds this advisory lock. */
export const isLockHeld = async (tx: Transaction, key: number): Promise<boolean> =>
  (await tx.first(sql`
    select from pg_locks where locktype = 'advisory' and granted and classid = 0 and objid = ${key}::bigint::oid
      and objsubid = 1 and database = (select oid from pg_database where datname = current_database())`)) !==
  undefined

export const databaseFacts = async (
  tx: Transaction,
): Promise<{ version: string; sizeBytes: number; nowMs: number }> =>
  (await tx.first<{ version: string; sizeBytes: number; nowMs: number }>(sql`
    select current_setting('server_version') as version, pg_database_size(current_database()) as "sizeBytes",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "nowMs"`))!

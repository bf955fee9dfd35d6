// SQL of jobs that wait for others: for their success (`needs`), for their end (`start_after`), for a time (`run_at`).
import type { JobState, Reason } from '@flowforge/protocol'
import sql, { raw } from 'sql-template-tag'
import type { Transaction } from './database.ts'
import type { JobRow } from './jobs.ts'

/** What is known of a job that others wait for. */
export interface Predecessor {
  id: string
  number: number
  state: JobState
}

/**
 * Locks the pending jobs that wait for one of these, in one order everywhere: by id. `deep` locks also those that wait for
 * them in turn, because a failure may go through all of them.
 */
export const lockDependents = (tx: Transaction, ids: string[], deep: boolean): Promise<JobRow[]> =>
  tx.all(
    deep
      ? sql`
        with recursive waiting as (
          select id from jobs j where ${waitsForAny(sql`${ids}::uuid[]`)}
          union
          select j.id from waiting w join jobs j on ${waitsForAny(sql`array[w.id]`)}
        )
        select * from jobs where id in (select id from waiting) and state = 'pending' order by id for update`
      : sql`select j.* from jobs j where ${waitsForAny(sql`${ids}::uuid[]`)} order by j.id for update`,
  )

/** Two conditions for two partial indexes. */
const waitsForAny = (ids: ReturnType<typeof sql>) => sql`j.state = 'pending' and (
  (j.needs <> '{}' and j.needs && ${ids}) or (j.start_after is not null and j.start_after = any(${ids})))`

/** To be asked after the dependents are locked: what a rival has committed until then is seen. */
export const findPredecessors = (tx: Transaction, ids: string[]): Promise<Predecessor[]> =>
  tx.all(sql`select id, number, state from jobs where id = any(${ids}::uuid[])`)

/** Holds the jobs that a new or retried one waits for: none of them ends before the caller's transaction does. */
export const holdPredecessors = (tx: Transaction, organizationId: string, ids: string[]): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs where organization_id = ${organizationId} and id = any(${ids}::uuid[])
    order by id for share`)

const ALL_SUCCEEDED = raw(`not exists (
  select from unnest(p.needs) n left join jobs j on j.id = n where j.state is distinct from 'succeeded')`)
const ONE_IS_LOST = raw(`exists (
  select from unnest(p.needs) n left join jobs j on j.id = n where j.id is null or j.state in ('failed', 'cancelled'))`)
const PREDECESSOR_ENDED = raw(`not exists (
  select from jobs j where j.id = p.start_after and j.state in ('pending', 'queued', 'running', 'waiting'))`)

/** Pending jobs whose time has come and that wait for nobody, locked. */
export const lockDue = (tx: Transaction, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select p.* from jobs p where p.state = 'pending' and p.run_at <= now() and ${ALL_SUCCEEDED} and ${PREDECESSOR_ENDED}
    order by p.run_at limit ${limit} for update skip locked`)

/** Pending jobs of whose predecessors nobody told them, locked. */
export const lockOverlooked = (tx: Transaction, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select p.* from jobs p
    where p.state = 'pending' and (p.needs <> '{}' or p.start_after is not null)
      and (${ONE_IS_LOST}
        or (${ALL_SUCCEEDED} and ${PREDECESSOR_ENDED} and (p.run_at is null or p.run_at <= now())))
    order by p.id limit ${limit} for update of p skip locked`)

/** Of those whose time has come. */
export const queueJobs = (tx: Transaction, ids: string[], state: JobState): Promise<JobRow[]> =>
  tx.all(sql`
    update jobs set state = ${state}, queued_at = now()
    where id = any(${ids}::uuid[]) and state = 'pending' and (run_at is null or run_at <= now())
    returning *`)

export const failJobs = (
  tx: Transaction,
  failures: Array<{ id: string; reason: Reason }>,
  state: JobState,
): Promise<JobRow[]> =>
  tx.all(sql`
    update jobs j set state = ${state}, reason = f.reason, finished_at = now()
    from jsonb_to_recordset((${{ failures }}::jsonb) -> 'failures') as f (id uuid, reason jsonb)
    where j.id = f.id and j.state = 'pending'
    returning j.*`)

/** Jobs that need this one, or wait for its end; newest first. */
export const listDependents = (tx: Transaction, organizationId: string, id: string): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs j where organization_id = ${organizationId} and (
      (needs <> '{}' and needs @> array[${id}::uuid]) or (start_after is not null and start_after = ${id}::uuid))
    order by id desc limit 100`)

export const listPredecessors = (tx: Transaction, organizationId: string, ids: string[]): Promise<JobRow[]> =>
  tx.all(
    sql`select * from jobs where organization_id = ${organizationId} and id = any(${ids}::uuid[]) order by number`,
  )

// SQL of the claim: which queued jobs may start, in which order, and their attempts, each as one statement for all.
import type { JobState, Stage } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { AttemptRow } from './attempts.ts'
import type { Transaction } from './database.ts'
import type { JobRow } from './jobs.ts'

const CLAIM_LOCK = 7_420_004

/**
 * One claimer at a time until its transaction ends: fairness compares what all organizations have running, so that every
 * claim reads what another one writes. Two that did so at once would both count 4 of 5.
 *
 * Its queries walk indexes one entry after the other: unlike a bitmap scan that leaves the dead entries of jobs that went on
 * behind marked, so that the next claim does not visit them again before vacuum has come.
 */
export const lockClaims = (tx: Transaction): Promise<number> =>
  tx.run(sql`select pg_advisory_xact_lock(${CLAIM_LOCK}), set_config('enable_bitmapscan', 'off', true)`)

/**
 * Puts those whose delay has passed in their place in the queue. Before each claim: a delayed job stands in an index of
 * its own, so that no claim walks past those whose time is still to come.
 */
export const endDelays = (tx: Transaction): Promise<number> =>
  tx.run(sql`
    update jobs set not_before = null where id in (
      select id from jobs where state = 'queued' and not_before <= now()
      order by not_before limit ${DELAYS_AT_ONCE} for update skip locked)`)

const DELAYS_AT_ONCE = 1000

export interface Candidate {
  id: string
  repository_id: string
  branch: string
  /** How many more may start in its repository; null: as many as there is room for. */
  repository_room: number | null
}

/**
 * Queued jobs that no limit holds back, in the order in which they should start: each organization's next job counts as
 * one more than it has running, so that the first job of one goes before the second of another, whatever was queued
 * before. Priority decides within an organization, and between equals. Walks from organization to organization by the index
 * (a "loose scan"), reading at most `limit` jobs of each.
 */
export const findClaimable = (tx: Transaction, limit: number): Promise<Candidate[]> =>
  tx.all(sql`
    with recursive organizations as (
      (select organization_id from jobs where state = 'queued' and not_before is null order by organization_id limit 1)
      union all
      select (select j.organization_id from jobs j
              where j.state = 'queued' and j.not_before is null and j.organization_id > o.organization_id
              order by j.organization_id limit 1)
      from organizations o where o.organization_id is not null
    ), live as materialized (
      select organization_id, repository_id, branch, state from jobs where state in ('running', 'waiting')
    ), running as (
      -- Who waits for a person takes no room, but keeps its branch.
      select organization_id, count(*)::int as count from live where state = 'running' group by organization_id
    ), limited as (
      select r.id, r.max_running - (select count(*) from live l where l.repository_id = r.id and l.state = 'running')::int as room
      from repositories r where r.max_running is not null
    ), queue as (
      select o.organization_id, coalesce(n.count, 0) as running, l.max_running
      from organizations o
      left join running n using (organization_id)
      left join organization_limits l using (organization_id)
      where o.organization_id is not null
    ), next as (
      select c.*, q.running + row_number() over (partition by q.organization_id order by c.priority desc, c.queued_at, c.id) as place
      from queue q cross join lateral (
        select j.id, j.repository_id, j.branch, j.priority, j.queued_at, m.room as repository_room
        from jobs j left join limited m on m.id = j.repository_id
        where j.state = 'queued' and j.organization_id = q.organization_id
          and j.not_before is null
          and (m.room is null or m.room > 0)
          and not exists (select from live l where l.repository_id = j.repository_id and l.branch = j.branch)
        order by j.priority desc, j.queued_at, j.id
        limit greatest(0, least(${limit}::int, q.max_running - q.running))
      ) c
    )
    select id, repository_id, branch, repository_room from next
    order by place, priority desc, queued_at, id limit ${limit}`)

/** Those that are still queued and that nobody else holds, in no order. */
export const startJobs = (
  tx: Transaction,
  ids: string[],
  start: { state: JobState; stage: Stage },
): Promise<JobRow[]> =>
  tx.all(sql`
    with free as (
      select id from jobs where id = any(${ids}::uuid[]) and state = 'queued' for update skip locked
    )
    update jobs j set state = ${start.state}, stage = ${start.stage}, attempt = j.attempt + 1,
      started_at = coalesce(j.started_at, now())
    from free where j.id = free.id
    returning j.*`)

export const insertAttempts = (
  tx: Transaction,
  attempts: Array<{ id: string; job: JobRow }>,
  by: { workerId: string; place: string; leaseSeconds: number },
): Promise<AttemptRow[]> =>
  tx.all(sql`
    insert into attempts (id, job_id, organization_id, number, worker_id, place, lease_expires_at, deadline_at)
    select a.id, j.id, j.organization_id, j.attempt, ${by.workerId}, ${by.place},
           now() + make_interval(secs => ${by.leaseSeconds}), now() + make_interval(secs => j.timeout_seconds)
    from unnest(${attempts.map(({ id }) => id)}::uuid[], ${attempts.map(({ job }) => job.id)}::uuid[]) as a (id, job_id)
    join jobs j on j.id = a.job_id
    returning *`)

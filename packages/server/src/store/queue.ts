// SQL of the queue as people meet it: their place in it, what holds a job back, and how much may run at once. In which order
// jobs are claimed is decided in claims.ts; what is said here follows it.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import type { JobRow } from './jobs.ts'

/**
 * Which of all queued jobs starts first, second, …: within an organization by priority and age; between organizations each
 * counts its next job as one more than it has running, as `findClaimable` does. Needs the view across organizations.
 */
export const queuePosition = async (tx: Transaction, { id }: Pick<JobRow, 'id'>): Promise<number> =>
  (await tx.first<{ position: number }>(sql`
    with me as (
      select id, organization_id, priority, queued_at from jobs where id = ${id}
    ), live as (
      select organization_id, count(*)::int as running from jobs
      where state = 'running' group by organization_id
    ), own as (
      select count(*)::int as ahead from jobs j, me
      where j.state = 'queued' and j.organization_id = me.organization_id
        and (j.not_before is null or j.not_before <= now())
        and (j.priority > me.priority or (j.priority = me.priority and (j.queued_at, j.id) < (me.queued_at, me.id)))
    ), mine as (
      select me.*, own.ahead, own.ahead + 1 + coalesce((
        select running from live where live.organization_id = me.organization_id), 0) as place
      from me, own
    ), others as (
      select j.organization_id, count(*)::int as queued from jobs j, me
      where j.state = 'queued' and j.organization_id <> me.organization_id
        and (j.not_before is null or j.not_before <= now())
      group by j.organization_id
    ), before as (
      select least(o.queued, greatest(0, m.place - 1 - coalesce(l.running, 0)))
        -- The one that has the same place there: the more urgent, then the older goes first.
        + coalesce((
          select ((-rival.priority, rival.queued_at, rival.id) < (-m.priority, m.queued_at, m.id))::int
          from jobs rival
          where rival.state = 'queued' and rival.organization_id = o.organization_id
            and (rival.not_before is null or rival.not_before <= now())
            and m.place - 1 - coalesce(l.running, 0) >= 0
          order by rival.priority desc, rival.queued_at, rival.id
          offset greatest(0, m.place - 1 - coalesce(l.running, 0)) limit 1), 0) as ahead
      from others o cross join mine m left join live l on l.organization_id = o.organization_id
    )
    select mine.ahead + 1 + coalesce((select sum(ahead) from before), 0)::int as position from mine`))!
    .position

export interface QueueFacts {
  live_workers: number
  organization_running: number
  organization_limit: number | null
  repository_running: number
  repository_limit: number | null
  /** The job that has its branch. */
  branch_taken_by: number | null
}

/** What may hold a queued job back. */
export const findQueueFacts = async (
  tx: Transaction,
  job: Pick<JobRow, 'id' | 'organization_id' | 'repository_id' | 'branch'>,
  workerSilentSeconds: number,
): Promise<QueueFacts> =>
  (await tx.first<QueueFacts>(sql`
    with live as (
      select number, repository_id, branch, state from jobs
      where organization_id = ${job.organization_id} and state in ('running', 'waiting')
    )
    select
      (select count(*)::int from workers
       where not draining and heartbeat_at > now() - make_interval(secs => ${workerSilentSeconds})) as live_workers,
      (select count(*)::int from live where state = 'running') as organization_running,
      (select max_running from organization_limits where organization_id = ${job.organization_id}) as organization_limit,
      (select count(*)::int from live where repository_id = ${job.repository_id} and state = 'running') as repository_running,
      (select max_running from repositories where id = ${job.repository_id}) as repository_limit,
      (select number from live where repository_id = ${job.repository_id} and branch = ${job.branch} limit 1)
        as branch_taken_by`))!

/** Queued jobs that have waited for longer than they may, locked. */
export const lockOverdue = (tx: Transaction, defaultSeconds: number, limit: number): Promise<JobRow[]> =>
  tx.all(sql`
    select * from jobs
    where state = 'queued'
      and queued_at < now() - make_interval(secs => coalesce(queue_timeout_seconds, ${defaultSeconds}::int))
    order by queued_at limit ${limit} for update skip locked`)

export interface OrganizationLoad {
  max_running: number | null
  running: number
  queued: number
}

export const findOrganizationLoad = async (
  tx: Transaction,
  organizationId: string,
): Promise<OrganizationLoad> =>
  (await tx.first<OrganizationLoad>(sql`
    select (select max_running from organization_limits where organization_id = ${organizationId}) as max_running,
      count(*) filter (where state = 'running')::int as running,
      count(*) filter (where state = 'queued')::int as queued
    from jobs
    where organization_id = ${organizationId} and state in ('pending', 'queued', 'running', 'waiting')`))!

/** null: as many as there is room for. */
export const setOrganizationLimit = (
  tx: Transaction,
  organizationId: string,
  maxRunning: number | null,
): Promise<number> =>
  tx.run(sql`
    insert into organization_limits (organization_id, max_running) values (${organizationId}, ${maxRunning})
    on conflict (organization_id) do update set max_running = excluded.max_running`)

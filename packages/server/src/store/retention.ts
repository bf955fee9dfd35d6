// SQL of retention: the settings, what is due to go, and how it goes: some at a time, oldest first. The objects of rows
// that go are put on the list of doomed objects by a trigger.
import sql, { type Sql } from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface RetentionRow {
  jobs_days: number | null
  events_days: number | null
  artifacts_days: number | null
  mirrors_days: number | null
}

export const findRetention = (tx: Transaction, organizationId: string): Promise<RetentionRow | undefined> =>
  tx.first(sql`select * from retention_settings where organization_id = ${organizationId}`)

export const setRetention = (
  tx: Transaction,
  organizationId: string,
  by: string,
  row: RetentionRow,
): Promise<number> =>
  tx.run(sql`
    insert into retention_settings
      (organization_id, jobs_days, events_days, artifacts_days, mirrors_days, updated_by)
    values (${organizationId}, ${row.jobs_days}, ${row.events_days}, ${row.artifacts_days}, ${row.mirrors_days}, ${by})
    on conflict (organization_id) do update set jobs_days = excluded.jobs_days, events_days = excluded.events_days,
      artifacts_days = excluded.artifacts_days, mirrors_days = excluded.mirrors_days,
      updated_by = excluded.updated_by, updated_at = now()`)

export const clearRetention = (tx: Transaction, organizationId: string): Promise<number> =>
  tx.run(sql`delete from retention_settings where organization_id = ${organizationId}`)

export const listOrganizations = async (tx: Transaction): Promise<string[]> =>
  (await tx.all<{ id: string }>(sql`select id from organization order by id`)).map(({ id }) => id)

/** Ended so long ago. */
const ended = (organizationId: string, days: number): Sql =>
  sql`j.organization_id = ${organizationId} and j.finished_at < now() - make_interval(days => ${days})`

/** Nobody waits for its result, and the attempt that it may have has ended. */
const unneeded: Sql = sql`not exists (
  select from jobs d where d.state in ('pending', 'queued', 'running', 'waiting') and d.organization_id = j.organization_id
    and (j.id = any (d.needs) or d.base_from = j.id or d.start_after = j.id))`

const hasStory: Sql = sql`(exists (select from event_segments s where s.job_id = j.id)
  or exists (select from events e where e.job_id = j.id))`

/** What would go of one kind: how much, and the oldest of it. */
export interface DueRow {
  count: number
  bytes: number
  oldest: Date | null
  newest: Date | null
}
export interface DueSample {
  id: string
  name: string
  at: Date
}

const jobName: Sql = sql`'#' || j.number || ' ' || left(split_part(j.task, E'\n', 1), 80)`
const storyBytes: Sql = sql`coalesce((select sum(s.stored_bytes) from event_segments s where s.job_id = j.id), 0)`
const artifactBytes: Sql = sql`coalesce((select sum(a.size_bytes) from artifacts a where a.job_id = j.id), 0)`

const due = (tx: Transaction, bytes: Sql, from: Sql): Promise<DueRow> =>
  tx.first<DueRow>(sql`
    select count(*)::int as count, coalesce(sum(${bytes}), 0)::bigint as bytes,
      min(j.finished_at) as oldest, max(j.finished_at) as newest ${from}`) as Promise<DueRow>

const sample = (tx: Transaction, name: Sql, from: Sql, limit: number): Promise<DueSample[]> =>
  tx.all(sql`select j.id, ${name} as name, j.finished_at as at ${from} order by j.finished_at limit ${limit}`)

export async function findDue(
  tx: Transaction,
  organizationId: string,
  kind: 'jobs' | 'events' | 'artifacts',
  days: number,
  samples: number,
): Promise<DueRow & { sample: DueSample[] }> {
  const old = ended(organizationId, days)
  const { bytes, name, from } = {
    jobs: {
      bytes: sql`${storyBytes} + ${artifactBytes}`,
      name: jobName,
      from: sql`from jobs j where ${old} and ${unneeded}`,
    },
    events: { bytes: storyBytes, name: jobName, from: sql`from jobs j where ${old} and ${hasStory}` },
    artifacts: {
      bytes: sql`a.size_bytes`,
      name: sql`a.name`,
      from: sql`from artifacts a join jobs j on j.id = a.job_id where ${old}`,
    },
  }[kind]
  return { ...(await due(tx, bytes, from)), sample: await sample(tx, name, from, samples) }
}

/** Under locks that submitters of dependents do not take: one that is submitted now and needs it, then fails. */
export const deleteDueJobs = (
  tx: Transaction,
  organizationId: string,
  days: number,
  limit: number,
): Promise<number> =>
  tx.run(sql`
    delete from jobs where id in (
      select j.id from jobs j where ${ended(organizationId, days)} and ${unneeded}
      order by j.finished_at limit ${limit} for update of j skip locked)`)

/** Of some jobs the whole story; returns of how many. */
export async function deleteDueEvents(
  tx: Transaction,
  organizationId: string,
  days: number,
  limit: number,
): Promise<number> {
  const jobs = await tx.all<{ id: string }>(sql`
    select j.id from jobs j where ${ended(organizationId, days)} and ${hasStory}
    order by j.finished_at limit ${limit} for update of j skip locked`)
  const ids = jobs.map(({ id }) => id)
  await tx.run(sql`delete from events where job_id = any (${ids}::uuid[])`)
  await tx.run(sql`delete from event_segments where job_id = any (${ids}::uuid[])`)
  return ids.length
}

export const deleteDueArtifacts = (
  tx: Transaction,
  organizationId: string,
  days: number,
  limit: number,
): Promise<number> =>
  tx.run(sql`
    delete from artifacts where (job_id, name) in (
      select a.job_id, a.name from artifacts a join jobs j on j.id = a.job_id
      where ${ended(organizationId, days)} order by j.finished_at limit ${limit})`)

export interface UnusedRepository {
  id: string
  name: string
  last_used_at: Date
}

/** Those with an upstream of which no job is unfinished, none ended within the time, and that are not new. */
export const findUnusedRepositories = (
  tx: Transaction,
  organizationId: string,
  days: number,
): Promise<UnusedRepository[]> =>
  tx.all(sql`
    select * from (
      select r.id, r.name, greatest(r.created_at, max(j.finished_at)) as last_used_at
      from repositories r left join jobs j on j.repository_id = r.id
      where r.organization_id = ${organizationId} and r.url is not null
      group by r.id having count(j.id) filter (where j.finished_at is null) = 0
    ) used
    where last_used_at < now() - make_interval(days => ${days})
    order by last_used_at`)

// SQL of the event log. `seq` is assigned under the job's row lock in the inserting statement: no gaps, no duplicates.
import type { EventType } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface EventRow {
  job_id: string
  seq: number
  attempt: number
  type: EventType
  at: Date
  data: unknown
}

export interface EventToStore {
  type: EventType
  /** JSON text; NUL characters are already taken out. */
  json: string
}

/** Returns the seq of the last event. */
export async function insertEvents(
  tx: Transaction,
  jobId: string,
  attempt: number,
  events: EventToStore[],
): Promise<number> {
  const row = await tx.first<{ last_seq: number }>(sql`
    with numbered as (
      update jobs set last_seq = last_seq + ${events.length} where id = ${jobId} returning id, organization_id, last_seq
    ), stored as (
      insert into events (job_id, seq, organization_id, attempt, type, at, data)
      select n.id, n.last_seq - ${events.length} + e.ordinality, n.organization_id, ${attempt}, e.type, now(), e.data::json
      from numbered n, unnest(${events.map(e => e.type)}::text[], ${events.map(e => e.json)}::text[]) with ordinality as e (type, data, ordinality)
    )
    select last_seq from numbered`)
  if (!row) throw new Error(`no job ${jobId} to append events to`)
  return row.last_seq
}

/** As `insertEvents`, for many jobs in one statement. Returns each job's last seq. */
export const insertEventsOfMany = (
  tx: Transaction,
  ofJobs: Array<{ jobId: string; attempt: number; events: EventToStore[] }>,
): Promise<Array<{ id: string; organization_id: string; last_seq: number }>> => {
  const rows = ofJobs.flatMap(({ jobId, attempt, events }) =>
    events.map((event, index) => ({ jobId, attempt, position: index + 1, ...event })),
  )
  return tx.all(sql`
    with given as (
      select * from unnest(${rows.map(row => row.jobId)}::uuid[], ${rows.map(row => row.attempt)}::int[],
        ${rows.map(row => row.position)}::int[], ${rows.map(row => row.type)}::text[], ${rows.map(row => row.json)}::text[])
        as g (job_id, attempt, position, type, data)
    ), counted as (
      select job_id, count(*)::int as count from given group by job_id
    ), numbered as (
      update jobs j set last_seq = j.last_seq + c.count from counted c where j.id = c.job_id
      returning j.id, j.organization_id, j.last_seq, c.count
    ), stored as (
      insert into events (job_id, seq, organization_id, attempt, type, at, data)
      select n.id, n.last_seq - n.count + g.position, n.organization_id, g.attempt, g.type, now(), g.data::json
      from numbered n join given g on g.job_id = n.id
    )
    select id, organization_id, last_seq from numbered`)
}

/** One event may have megabytes: a page ends with the event that reaches this, whatever its limit. */
export const PAGE_BYTES = 4 * 1024 * 1024

/** The events that follow `after` and are rows: sealed ones are not (live/story.ts reads both). Fewer than `limit` does not mean that there are no more: see `lastSeq`. */
export const readEvents = (
  tx: Transaction,
  organizationId: string,
  jobId: string,
  after: number,
  limit: number,
  pageBytes: number = PAGE_BYTES,
): Promise<EventRow[]> =>
  tx.all(sql`
    select job_id, seq, attempt, type, at, data from (
      select *, sum(octet_length(data::text)) over (order by seq rows between unbounded preceding and 1 preceding) as before
      from (
        select * from events
        where job_id = ${jobId} and organization_id = ${organizationId} and seq > ${after}
        order by seq limit ${limit}
      ) page
    ) sized
    where before is null or before < ${pageBytes}
    order by seq`)

export const lastSeq = async (
  tx: Transaction,
  organizationId: string,
  jobId: string,
): Promise<number | undefined> =>
  (
    await tx.first<{ last_seq: number }>(
      sql`select last_seq from jobs where organization_id = ${organizationId} and id = ${jobId}`,
    )
  )?.last_seq

/** The number that were there. */
export const deleteEvents = (tx: Transaction, jobId: string, first: number, last: number): Promise<number> =>
  tx.run(sql`delete from events where job_id = ${jobId} and seq between ${first} and ${last}`)

/** Locks a source of an attempt and returns how far it is stored; 0 for a new one. */
export const lockSource = async (
  tx: Transaction,
  attemptId: string,
  organizationId: string,
  source: string,
): Promise<number> =>
  (await tx.first<{ last_source_seq: number }>(sql`
    insert into event_sources (attempt_id, source, organization_id, last_source_seq)
    values (${attemptId}, ${source}, ${organizationId}, 0)
    on conflict (attempt_id, source) do update set last_source_seq = event_sources.last_source_seq
    returning last_source_seq`))!.last_source_seq

export const advanceSource = (
  tx: Transaction,
  attemptId: string,
  source: string,
  lastSourceSeq: number,
): Promise<number> =>
  tx.run(
    sql`update event_sources set last_source_seq = ${lastSourceSeq} where attempt_id = ${attemptId} and source = ${source}`,
  )

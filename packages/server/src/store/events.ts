// SQL of the event log. `seq` is assigned under the job's row lock in the inserting statement: no gaps, no duplicates.
import type { EventType } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import { merged } from './merged.ts'

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

interface Appended {
  jobId: string
  attempt: number
  events: EventToStore[]
}

const append = merged(
  ({ jobId }) => jobId,
  async (tx: Transaction, ofJobs: Appended[]): Promise<number[]> => {
    const rows = ofJobs.flatMap(({ jobId, attempt, events }) =>
      events.map((event, index) => ({ jobId, attempt, position: index + 1, ...event })),
    )
    const numbered = await tx.all<{ id: string; last_seq: number }>(sql`
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
      select id, last_seq from numbered`)
    const lastSeqOf = new Map(numbered.map(({ id, last_seq }) => [id, last_seq]))
    return ofJobs.map(({ jobId }) => {
      const seq = lastSeqOf.get(jobId)
      if (seq === undefined) throw new Error(`no job ${jobId} to append events to`)
      return seq
    })
  },
)

/** Returns the seq of the last event. */
export const insertEvents = (
  tx: Transaction,
  jobId: string,
  attempt: number,
  events: EventToStore[],
): Promise<number> => append(tx, { jobId, attempt, events })

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

interface Source {
  attemptId: string
  organizationId: string
  source: string
}
const keyOfSource = ({ attemptId, source }: Source): string => `${attemptId} ${source}`

const lockSources = merged(keyOfSource, async (tx: Transaction, sources: Source[]): Promise<number[]> => {
  const rows = await tx.all<{ attempt_id: string; source: string; last_source_seq: number }>(sql`
    insert into event_sources (attempt_id, source, organization_id, last_source_seq)
    select * , 0 from unnest(${sources.map(({ attemptId }) => attemptId)}::uuid[],
      ${sources.map(({ source }) => source)}::text[], ${sources.map(({ organizationId }) => organizationId)}::text[])
    on conflict (attempt_id, source) do update set last_source_seq = event_sources.last_source_seq
    returning attempt_id, source, last_source_seq`)
  const lastOf = new Map(rows.map(row => [`${row.attempt_id} ${row.source}`, row.last_source_seq]))
  return sources.map(source => lastOf.get(keyOfSource(source))!)
})

/** Locks a source of an attempt and returns how far it is stored; 0 for a new one. */
export const lockSource = (
  tx: Transaction,
  attemptId: string,
  organizationId: string,
  source: string,
): Promise<number> => lockSources(tx, { attemptId, organizationId, source })

const advance = merged(
  ({ attemptId, source }: { attemptId: string; source: string; to: number }) => `${attemptId} ${source}`,
  async (tx, steps) => {
    await tx.run(sql`
      update event_sources s set last_source_seq = n.last_source_seq
      from unnest(${steps.map(({ attemptId }) => attemptId)}::uuid[], ${steps.map(({ source }) => source)}::text[],
        ${steps.map(({ to }) => to)}::int[]) as n (attempt_id, source, last_source_seq)
      where s.attempt_id = n.attempt_id and s.source = n.source`)
    return steps
  },
)

export const advanceSource = async (
  tx: Transaction,
  attemptId: string,
  source: string,
  lastSourceSeq: number,
): Promise<void> => void (await advance(tx, { attemptId, source, to: lastSourceSeq }))

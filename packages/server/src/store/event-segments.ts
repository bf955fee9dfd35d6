// SQL of sealed events: which object holds which part of a job's story, and which jobs are to be sealed.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface SegmentRow {
  job_id: string
  first_seq: number
  last_seq: number
  organization_id: string
  storage_key: string
  raw_bytes: number
  raw_sha256: Buffer
  stored_bytes: number
}

/** Those with events after the cursor, in order. */
export const findSegments = (
  tx: Transaction,
  organizationId: string,
  jobId: string,
  after: number,
  limit: number,
): Promise<SegmentRow[]> =>
  tx.all(sql`
    select * from event_segments
    where job_id = ${jobId} and organization_id = ${organizationId} and last_seq > ${after}
    order by first_seq limit ${limit}`)

/** How far a job's story is in segments; 0: not at all. */
export const sealedUpTo = async (tx: Transaction, jobId: string): Promise<number> =>
  (await tx.first<{ last: number }>(
    sql`select coalesce(max(last_seq), 0) as last from event_segments where job_id = ${jobId}`,
  ))!.last

export interface JobToSeal {
  id: string
  organization_id: string
}

/** Ended so long ago, and not sealed since. */
export const findJobsToSeal = (
  tx: Transaction,
  endedSeconds: number,
  without: string[],
  limit: number,
): Promise<JobToSeal[]> =>
  tx.all(sql`
    select id, organization_id from jobs
    where finished_at is not null and (sealed_at is null or sealed_at < finished_at)
      and finished_at <= now() - make_interval(secs => ${endedSeconds}) and id <> all (${without}::uuid[])
    order by finished_at limit ${limit}`)

export const insertSegment = (tx: Transaction, segment: SegmentRow): Promise<number> =>
  tx.run(sql`
    insert into event_segments
      (job_id, first_seq, last_seq, organization_id, storage_key, raw_bytes, raw_sha256, stored_bytes)
    values (${segment.job_id}, ${segment.first_seq}, ${segment.last_seq}, ${segment.organization_id},
      ${segment.storage_key}, ${segment.raw_bytes}, ${segment.raw_sha256}, ${segment.stored_bytes})`)

/** Of a job that has ended meanwhile gone on, nothing is marked. */
export const markSealed = (tx: Transaction, jobId: string): Promise<number> =>
  tx.run(sql`
    update jobs set sealed_at = now() where id = ${jobId} and finished_at is not null
      and not exists (select from events where job_id = ${jobId})`)

// Sealing: the events of a job that ended a while ago move from rows to segments in object storage. Announced, stored,
// then recorded in the transaction that deletes the rows: it may end between any two steps, and two may do it at once.
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { isFlowForgeError } from '../errors.ts'
import type { ObjectStorage } from '../storage/port.ts'
import type { Database } from '../store/database.ts'
import { announceObject, doomObjects, keepObject } from '../store/doomed-objects.ts'
import {
  findJobsToSeal,
  insertSegment,
  type JobToSeal,
  markSealed,
  type SegmentRow,
  sealedUpTo,
} from '../store/event-segments.ts'
import { deleteEvents, readEvents } from '../store/events.ts'
import { lockJob } from '../store/jobs.ts'
import { packSegment } from './segments.ts'
import { viewEvent } from './view-event.ts'

export interface SealContext {
  database: Database
  storage: ObjectStorage
  log: Logger
}

const JOBS_AT_ONCE = 20
/** Of text: what one reader of one page has to load. An event that is larger has a segment of its own. */
const SEGMENT_BYTES = 1024 * 1024
const SEGMENT_EVENTS = 5000

/** Seals what is due, and returns how many jobs that was. Ends early when the storage is away. */
export async function sealEndedJobs(
  context: SealContext,
  { endedSeconds, signal }: { endedSeconds: number; signal: AbortSignal },
): Promise<number> {
  const failed: string[] = []
  let sealed = 0
  while (!signal.aborted) {
    const jobs = await context.database.acrossOrganizations(tx =>
      findJobsToSeal(tx, endedSeconds, failed, JOBS_AT_ONCE),
    )
    if (jobs.length === 0) break
    for (const job of jobs) {
      if (signal.aborted) break
      if (await trySealing(context, job)) sealed += 1
      // It is looked at again in the next round, and keeps no other waiting in this one.
      else failed.push(job.id)
    }
  }
  return sealed
}

async function trySealing(context: SealContext, job: JobToSeal): Promise<boolean> {
  try {
    return await sealJob(context, job)
  } catch (error) {
    if (isFlowForgeError(error) && error.code !== 'object_damaged') throw error
    context.log.error({ err: error, jobId: job.id }, 'the events of this job could not be sealed')
    return false
  }
}

/** False: the job goes on, or another one seals it. */
export async function sealJob(context: SealContext, job: JobToSeal): Promise<boolean> {
  const { database } = context
  for (;;) {
    const events = await database.acrossOrganizations(async tx => {
      const after = await sealedUpTo(tx, job.id)
      const rows = await readEvents(tx, job.organization_id, job.id, after, SEGMENT_EVENTS, SEGMENT_BYTES)
      return rows.map(viewEvent)
    })
    if (events.length === 0) break
    if (!(await sealRun(context, job, events))) return false
  }
  return (await database.acrossOrganizations(tx => markSealed(tx, job.id))) > 0
}

async function sealRun(
  { database, storage }: SealContext,
  job: JobToSeal,
  events: ReturnType<typeof viewEvent>[],
): Promise<boolean> {
  const { body, rawBytes, rawSha256 } = await packSegment(events)
  const first = events[0]!.seq!
  const segment: SegmentRow = {
    job_id: job.id,
    first_seq: first,
    last_seq: events.at(-1)!.seq!,
    organization_id: job.organization_id,
    // Each try has an object of its own: none can be replaced or deleted for another.
    storage_key: `events/${job.organization_id}/${job.id}/${first}-${randomUUID()}`,
    raw_bytes: rawBytes,
    raw_sha256: rawSha256,
    stored_bytes: body.length,
  }
  await database.acrossOrganizations(tx => announceObject(tx, job.organization_id, segment.storage_key))
  await storage.put(segment.storage_key, body)
  const recorded = await database.acrossOrganizations(tx => record(tx, segment))
  if (!recorded) await database.acrossOrganizations(tx => doomObjects(tx, [segment.storage_key]))
  return recorded
}

/** Under the job's lock, as every append: nobody else records, and no row comes in between. */
async function record(tx: Parameters<typeof lockJob>[0], segment: SegmentRow): Promise<boolean> {
  const { job_id: jobId, first_seq: first, last_seq: last } = segment
  const job = await lockJob(tx, jobId)
  if (!job?.finished_at || (await sealedUpTo(tx, jobId)) !== first - 1) return false
  if (!(await keepObject(tx, segment.storage_key))) return false
  await insertSegment(tx, segment)
  const deleted = await deleteEvents(tx, jobId, first, last)
  if (deleted !== last - first + 1)
    throw new Error(`${deleted} events were there instead of ${first} to ${last} of job ${jobId}`)
  return true
}

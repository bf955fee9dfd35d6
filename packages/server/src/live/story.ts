// A job's story from a cursor on, wherever its events are: in segments of object storage, in rows, or some in each.
// Everybody who reads events reads them here, so that a sealed story is the same as it was, byte for byte.
import { isTerminal, type JobEvent, type JobState } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { ObjectStorage } from '../storage/port.ts'
import type { Database } from '../store/database.ts'
import { findSegments, type SegmentRow } from '../store/event-segments.ts'
import { type EventRow, PAGE_BYTES, readEvents } from '../store/events.ts'
import { createSegments, type Segments } from './segments.ts'
import { viewEvent } from './view-event.ts'

export interface StorySubject {
  organizationId: string
  jobId: string
}

export interface StoryPage {
  /** At least one when there is one; fewer than asked for does not mean that there are no more. Not to be changed. */
  events: JobEvent[]
  /** Of the whole story, when this page was read. */
  lastSeq: number
  finished: boolean
  /** The job is not there: removed, or another organization's. */
  gone: boolean
}

export interface PageSize {
  limit: number
  /** A page ends with the event that reaches this. */
  bytes?: number
}

export interface Story {
  /** Fails with `storage_unavailable` or `object_damaged` where events are sealed. */
  read(subject: StorySubject, after: number, size: PageSize): Promise<StoryPage>
}

/** A page rarely needs more than two; a reader of more comes again. */
const SEGMENTS_AT_ONCE = 8

export function createStory({ database, storage }: { database: Database; storage: ObjectStorage }): Story {
  const segments = createSegments(storage)
  return {
    read: async (subject, after, size) => {
      const bytes = size.bytes ?? PAGE_BYTES
      const found = await readRows(database, subject, after, size.limit, bytes)
      const { lastSeq, finished, gone, rows } = found
      const page = startPage(after, { ...size, bytes })
      await fillFromSegments(page, found.segments, segments)
      if (rows[0]?.seq === page.cursor() + 1 || found.segments.length === 0)
        for (const row of rows) if (!page.take(viewEvent(row))) break
      return { events: page.events, lastSeq, finished, gone }
    },
  }
}

interface Found {
  rows: EventRow[]
  /** Empty where the rows begin at the cursor: the common case, and all that live watchers meet. */
  segments: SegmentRow[]
  lastSeq: number
  finished: boolean
  gone: boolean
}

const readRows = (
  database: Database,
  { organizationId, jobId }: StorySubject,
  after: number,
  limit: number,
  bytes: number,
): Promise<Found> =>
  database.inOrganization(organizationId, async tx => {
    // The job's row first: what it counts is then certainly among what follows. Rows before segments: what is sealed
    // meanwhile is found there.
    const job = await tx.first<{ last_seq: number; state: JobState }>(
      sql`select last_seq, state from jobs where organization_id = ${organizationId} and id = ${jobId}`,
    )
    if (!job) return { rows: [], segments: [], lastSeq: 0, finished: false, gone: true }
    const rows = await readEvents(tx, organizationId, jobId, after, limit, bytes)
    const complete = rows[0] ? rows[0].seq === after + 1 : after >= job.last_seq
    const segments = complete ? [] : await findSegments(tx, organizationId, jobId, after, SEGMENTS_AT_ONCE)
    return { rows, segments, lastSeq: job.last_seq, finished: isTerminal(job.state), gone: false }
  })

async function fillFromSegments(page: Page, rows: SegmentRow[], segments: Segments): Promise<void> {
  for (const row of rows) {
    if (page.full()) return
    const events = await segments.read(row)
    for (const event of events.slice(Math.max(0, page.cursor() + 1 - row.first_seq)))
      if (!page.take(event)) return
  }
}

type Page = ReturnType<typeof startPage>

/** Ends where a page of rows would end: readers see the same pages before and after sealing. */
function startPage(after: number, size: Required<PageSize>) {
  const events: JobEvent[] = []
  let bytes = 0
  const full = () => events.length >= size.limit || bytes >= size.bytes
  return {
    events,
    full,
    cursor: () => events.at(-1)?.seq ?? after,
    take: (event: JobEvent): boolean => {
      if (full()) return false
      events.push(event)
      bytes += Buffer.byteLength(JSON.stringify(event.data))
      return true
    },
  }
}

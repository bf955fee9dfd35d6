// One watcher's view of one job: events from a cursor on, then live, without gap or duplicate. The watcher pulls: what
// it has not taken yet waits in Postgres, not in memory, so a slow one costs no more than a page and some deltas.
import { isTerminal, type JobEvent, type JobState } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Database } from '../store/database.ts'
import { type EventRow, readEvents } from '../store/events.ts'
import type { Bus, Delta } from './bus.ts'

const PAGE = 500
/** Deltas are live only: a watcher that lags behind loses the oldest, and gets the finished message as an event. */
const MAX_WAITING_DELTAS = 256
/** The floor under lost announcements. */
const POLL_MS = 5_000

export interface WatchOptions {
  organizationId: string
  jobId: string
  after: number
  signal: AbortSignal
  /** End once everything of a finished job was given. Otherwise wait: a finished job can be reopened. */
  untilFinished: boolean
}

export type JobStreams = ReturnType<typeof createJobStreams>

export function createJobStreams({ database, bus }: { database: Database; bus: Bus }) {
  return {
    async *watch(options: WatchOptions): AsyncGenerator<JobEvent> {
      const wakeup = createWakeup(bus, options)
      let cursor = options.after
      try {
        while (!options.signal.aborted) {
          const page = await readPage(database, options, cursor)
          for (const row of page.rows) {
            yield viewEvent(row)
            cursor = row.seq
          }
          if (page.gone) return
          if (page.rows.length > 0 && cursor < page.lastSeq) continue
          if (options.untilFinished && page.finished) return
          for await (const delta of wakeup.deltasUntilNews(cursor)) yield viewDelta(delta)
        }
      } finally {
        wakeup.close()
      }
    },
  }
}

interface Page {
  rows: EventRow[]
  lastSeq: number
  finished: boolean
  /** Removed with its repository. */
  gone: boolean
}

const readPage = (
  database: Database,
  { organizationId, jobId }: WatchOptions,
  after: number,
): Promise<Page> =>
  database.inOrganization(organizationId, async tx => {
    // The job's row first: what it counts is then certainly among the rows that follow.
    const job = await tx.first<{ last_seq: number; state: JobState }>(
      sql`select last_seq, state from jobs where organization_id = ${organizationId} and id = ${jobId}`,
    )
    const rows = await readEvents(tx, organizationId, jobId, after, PAGE)
    return { rows, lastSeq: job?.last_seq ?? 0, finished: !!job && isTerminal(job.state), gone: !job }
  })

export const viewEvent = (row: EventRow): JobEvent =>
  ({
    seq: row.seq,
    jobId: row.job_id,
    attempt: row.attempt,
    type: row.type,
    at: row.at.toISOString(),
    data: row.data,
  }) as JobEvent

const viewDelta = ({ jobId, attempt, text, parentToolUseId }: Delta): JobEvent => ({
  jobId,
  attempt,
  type: 'claude.text.delta',
  at: new Date().toISOString(),
  data: { text, parentToolUseId },
})

/** Gathers what the bus says between two reads. Subscribed before the first read, so nothing falls between. */
function createWakeup(bus: Bus, { jobId, organizationId, signal }: WatchOptions) {
  const deltas: Delta[] = []
  let newest = 0
  let gap = false
  let wake = () => {}
  const stops = [
    bus.onAnnouncement(announcement => {
      if (announcement.jobId !== jobId) return
      newest = Math.max(newest, announcement.seq)
      wake()
    }),
    bus.onDelta(delta => {
      if (delta.jobId !== jobId || delta.organizationId !== organizationId) return
      if (deltas.length >= MAX_WAITING_DELTAS) deltas.shift()
      deltas.push(delta)
      wake()
    }),
    bus.onGap(() => {
      gap = true
      wake()
    }),
  ]
  const stopWaiting = () => wake()
  signal.addEventListener('abort', stopWaiting)

  return {
    /** Gives deltas as they come; ends when there is (or may be) something to read beyond `cursor`. */
    async *deltasUntilNews(cursor: number): AsyncGenerator<Delta> {
      const poll = setTimeout(() => {
        gap = true
        wake()
      }, POLL_MS)
      try {
        for (;;) {
          while (deltas.length > 0) yield deltas.shift()!
          if (signal.aborted || gap || newest > cursor) break
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
        gap = false
      } finally {
        clearTimeout(poll)
      }
    },
    close: () => {
      signal.removeEventListener('abort', stopWaiting)
      stops.forEach(stop => void stop())
    },
  }
}

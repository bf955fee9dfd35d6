// A watcher's view of all jobs of an organization: every event from now on. Each job has its own cursor.
import type { JobEvent } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Database } from '../store/database.ts'
import { readEvents } from '../store/events.ts'
import type { Bus } from './bus.ts'
import { viewEvent } from './job-stream.ts'

const PAGE = 200

export function createOrganizationStreams({ database, bus }: { database: Database; bus: Bus }) {
  return {
    async *watch({
      organizationId,
      signal,
    }: {
      organizationId: string
      signal: AbortSignal
    }): AsyncGenerator<JobEvent> {
      /** Jobs with news, and how far these go. */
      const dirty = new Map<string, number>()
      let wake = () => {}
      let gap = false
      const stops = [
        bus.onAnnouncement(announcement => {
          if (announcement.organizationId !== organizationId) return
          dirty.set(announcement.jobId, announcement.seq)
          wake()
        }),
        bus.onGap(() => {
          gap = true
          wake()
        }),
      ]
      const stopWaiting = () => wake()
      signal.addEventListener('abort', stopWaiting)
      try {
        const { began, cursors } = await startingPoint(database, organizationId)
        while (!signal.aborted) {
          if (gap) {
            gap = false
            for (const { id, last_seq } of await changedSince(database, organizationId, began))
              if (last_seq > (cursors.get(id) ?? 0)) dirty.set(id, last_seq)
          }
          const [news] = dirty
          if (!news) {
            await new Promise<void>(resolve => {
              wake = resolve
            })
            continue
          }
          const [jobId, announced] = news
          dirty.delete(jobId)
          const events = await readNew(database, organizationId, jobId, cursors.get(jobId) ?? 0)
          const last = events.at(-1)
          if (!last) continue
          cursors.set(jobId, last.seq!)
          if (last.seq! < announced) dirty.set(jobId, Math.max(announced, dirty.get(jobId) ?? 0))
          for (const event of events) yield event
        }
      } finally {
        signal.removeEventListener('abort', stopWaiting)
        stops.forEach(stop => void stop())
      }
    },
  }
}

const readNew = async (
  database: Database,
  organizationId: string,
  jobId: string,
  after: number,
): Promise<JobEvent[]> =>
  (
    await database.inOrganization(organizationId, tx => readEvents(tx, organizationId, jobId, after, PAGE))
  ).map(viewEvent)

interface Standing {
  id: string
  last_seq: number
}

/** Where the story of each unfinished job stands now; a job that is not among them is new and starts at 0. */
const startingPoint = (database: Database, organizationId: string) =>
  database.inOrganization(organizationId, async tx => {
    const { now } = (await tx.first<{ now: Date }>(sql`select now()`))!
    const rows = await tx.all<Standing>(sql`
      select id, last_seq from jobs
      where organization_id = ${organizationId} and state in ('pending', 'queued', 'running', 'waiting')`)
    return { began: now, cursors: new Map(rows.map(row => [row.id, row.last_seq])) }
  })

/** The unfinished, and those that finished while this watcher watched: the end of a story may be what was missed. */
const changedSince = (database: Database, organizationId: string, began: Date): Promise<Standing[]> =>
  database.inOrganization(organizationId, tx =>
    tx.all(sql`
      select id, last_seq from jobs
      where organization_id = ${organizationId}
        and (state in ('pending', 'queued', 'running', 'waiting') or finished_at >= ${began})`),
  )

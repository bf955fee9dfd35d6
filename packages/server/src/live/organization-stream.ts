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
      const dirty = new Set<string>()
      let wake = () => {}
      let gap = false
      const stops = [
        bus.onAnnouncement(announcement => {
          if (announcement.organizationId !== organizationId) return
          dirty.add(announcement.jobId)
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
        const cursors = await unfinishedCursors(database, organizationId)
        while (!signal.aborted) {
          if (gap)
            for (const jobId of (await unfinishedCursors(database, organizationId)).keys()) dirty.add(jobId)
          gap = false
          const [jobId] = dirty
          if (jobId === undefined) {
            await new Promise<void>(resolve => {
              wake = resolve
            })
            continue
          }
          dirty.delete(jobId)
          const events = await readNew(database, organizationId, jobId, cursors.get(jobId) ?? 0)
          if (events.length === PAGE) dirty.add(jobId)
          for (const event of events) yield event
          const last = events.at(-1)
          if (last) cursors.set(jobId, last.seq!)
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

/** Where the story of each unfinished job stands now; a job that is not among them is new and starts at 0. */
const unfinishedCursors = (database: Database, organizationId: string): Promise<Map<string, number>> =>
  database.inOrganization(organizationId, async tx => {
    const rows = await tx.all<{ id: string; last_seq: number }>(sql`
      select id, last_seq from jobs
      where organization_id = ${organizationId} and state in ('pending', 'queued', 'running', 'waiting')`)
    return new Map(rows.map(row => [row.id, row.last_seq]))
  })

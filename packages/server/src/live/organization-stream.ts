// A watcher's view of all jobs of an organization: every event from now on. Each job has its own cursor, and the watcher
// pulls: what it has not taken waits in Postgres.
import type { JobEvent } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Database } from '../store/database.ts'
import type { Bus } from './bus.ts'
import { patiently } from './patience.ts'
import type { RecentEvents } from './recent-events.ts'

/** The floor under lost announcements. */
const POLL_MS = 5_000
/** Cursors of jobs that ended are let go above this, so that one who watches for weeks costs no more. */
const MANY_CURSORS = 5_000

interface WatchAll {
  organizationId: string
  signal: AbortSignal
}

export function createOrganizationStreams({
  database,
  recent,
  bus,
}: {
  database: Database
  recent: RecentEvents
  bus: Bus
}) {
  return {
    async *watch({ organizationId, signal }: WatchAll): AsyncGenerator<readonly JobEvent[]> {
      const news = createNews(bus, organizationId, signal)
      const ask = <T>(read: () => Promise<T>) => patiently(signal, read)
      try {
        let { began, cursors } = await ask(() => startingPoint(database, organizationId))
        while (!signal.aborted) {
          if (news.hasGap())
            for (const { id, last_seq } of await ask(() => changedSince(database, organizationId, began)))
              if (last_seq > (cursors.get(id) ?? 0)) news.add(id, last_seq)
          const next = news.take()
          if (!next) {
            await news.wait()
            continue
          }
          const { jobId, seq } = next
          const cursor =
            cursors.get(jobId) ?? (await ask(() => startOf(database, organizationId, jobId, began)))
          const { events } = await ask(() => recent.read({ organizationId, jobId }, cursor))
          const last = events.at(-1)?.seq ?? cursor
          cursors.set(jobId, last)
          if (events.length > 0 && last < seq) news.add(jobId, seq)
          if (events.length > 0) yield events
          if (cursors.size > MANY_CURSORS)
            ({ began, cursors } = await ask(() => letGo(database, organizationId, cursors, news)))
        }
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        news.close()
      }
    },
  }
}

type News = ReturnType<typeof createNews>

/** Which jobs have news, and how far these go. */
function createNews(bus: Bus, organizationId: string, signal: AbortSignal) {
  const newest = new Map<string, number>()
  let gap = false
  let wake = () => {}
  const add = (jobId: string, seq: number) => {
    newest.set(jobId, Math.max(seq, newest.get(jobId) ?? 0))
    wake()
  }
  const mayHaveMissed = () => {
    gap = true
    wake()
  }
  const stops = [
    bus.onAnnouncement(announcement => {
      if (announcement.organizationId === organizationId) add(announcement.jobId, announcement.seq)
    }),
    bus.onGap(mayHaveMissed),
  ]
  const poll = setInterval(mayHaveMissed, POLL_MS)
  const stopWaiting = () => wake()
  signal.addEventListener('abort', stopWaiting)
  return {
    add,
    has: (jobId: string) => newest.has(jobId),
    hasGap: () => {
      const had = gap
      gap = false
      return had
    },
    take: () => {
      const [first] = newest
      if (!first) return null
      newest.delete(first[0])
      return { jobId: first[0], seq: first[1] }
    },
    wait: async () => {
      if (gap || signal.aborted || newest.size > 0) return
      await new Promise<void>(resolve => {
        wake = resolve
      })
    },
    close: () => {
      clearInterval(poll)
      signal.removeEventListener('abort', stopWaiting)
      stops.forEach(stop => void stop())
    },
  }
}

interface Standing {
  id: string
  last_seq: number
}

/** Where the story of each unfinished job stands now. */
const startingPoint = (database: Database, organizationId: string) =>
  database.inOrganization(organizationId, async tx => {
    const { now } = (await tx.first<{ now: Date }>(sql`select now()`))!
    const rows = await tx.all<Standing>(sql`
      select id, last_seq from jobs
      where organization_id = ${organizationId} and state in ('pending', 'queued', 'running', 'waiting')`)
    return { began: now, cursors: new Map(rows.map(row => [row.id, row.last_seq])) }
  })

/** Of ended jobs everything was given that happened before now: only who goes on keeps a cursor. */
async function letGo(
  database: Database,
  organizationId: string,
  cursors: Map<string, number>,
  news: News,
): ReturnType<typeof startingPoint> {
  const now = await startingPoint(database, organizationId)
  const kept = [...cursors].filter(([jobId]) => now.cursors.has(jobId) || news.has(jobId))
  return { began: now.began, cursors: new Map([...now.cursors, ...kept]) }
}

/** A transaction may have begun before the watcher did, and be seen only afterwards. */
const OVERLAP = '1 minute'

/** Where to begin with a job that was not unfinished then: a new one at its beginning, a reopened one where it was. */
const startOf = (database: Database, organizationId: string, jobId: string, began: Date): Promise<number> =>
  database.inOrganization(organizationId, async tx => {
    const found = await tx.first<{ start: number }>(sql`
      select case when created_at >= ${began}::timestamptz - ${OVERLAP}::interval then 0 else greatest(
        (select max(seq) from events where job_id = jobs.id and at <= ${began}),
        (select max(last_seq) from event_segments where job_id = jobs.id), 0) end as start
      from jobs where organization_id = ${organizationId} and id = ${jobId}`)
    return found?.start ?? 0
  })

/** The unfinished, and those that finished while this watcher watched: the end of a story may be what was missed. */
const changedSince = (database: Database, organizationId: string, began: Date): Promise<Standing[]> =>
  database.inOrganization(organizationId, tx =>
    tx.all(sql`
      select id, last_seq from jobs
      where organization_id = ${organizationId}
        and (state in ('pending', 'queued', 'running', 'waiting') or finished_at >= ${began})`),
  )

// One watcher's view of one job: events from a cursor on, then live, without gap or duplicate. The watcher pulls: what
// it has not taken yet waits in Postgres, not in memory, so a slow one costs no more than a page and some deltas, and is
// back with the others when it has caught up.
import type { JobEvent } from '@flowforge/protocol'
import type { Bus, Delta } from './bus.ts'
import { patiently } from './patience.ts'
import type { RecentEvents } from './recent-events.ts'

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

export function createJobStreams({ recent, bus }: { recent: RecentEvents; bus: Bus }) {
  return {
    /** What there is, at most a page at once. Not to be changed: others are given the same. */
    async *watch(options: WatchOptions): AsyncGenerator<readonly JobEvent[]> {
      const { signal } = options
      const wakeup = createWakeup(bus, options)
      let cursor = options.after
      try {
        while (!signal.aborted) {
          // What is at hand is taken without a promise: fifty watchers are woken a hundred times a second.
          const page =
            recent.atHand(options, cursor) ?? (await patiently(signal, () => recent.read(options, cursor)))
          if (page.events.length > 0) yield page.events
          cursor = page.events.at(-1)?.seq ?? cursor
          if (page.gone) return
          if (page.events.length > 0 && cursor < page.lastSeq) continue
          if (options.untilFinished && page.finished) return
          for (let deltas = await wakeup.next(cursor); deltas; deltas = await wakeup.next(cursor))
            yield deltas
        }
      } catch (error) {
        if (!signal.aborted) throw error
      } finally {
        wakeup.close()
      }
    },
  }
}

const deltaViews = new WeakMap<Delta, JobEvent>()

/** The same for all who watch, so that it is written out once. */
function viewDelta(delta: Delta): JobEvent {
  const known = deltaViews.get(delta)
  if (known) return known
  const { jobId, attempt, text, parentToolUseId } = delta
  const at = new Date().toISOString()
  const view: JobEvent = { jobId, attempt, type: 'claude.text.delta', at, data: { text, parentToolUseId } }
  deltaViews.set(delta, view)
  return view
}

/** Gathers what the bus says between two reads. Subscribed before the first read, so nothing falls between. */
function createWakeup(bus: Bus, { jobId, organizationId, signal }: WatchOptions) {
  let deltas: Delta[] = []
  let newest = 0
  let gap = false
  let wake = () => {}
  const mayHaveMissed = () => {
    gap = true
    wake()
  }
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
    bus.onGap(mayHaveMissed),
  ]
  const poll = setInterval(mayHaveMissed, POLL_MS)
  const stopWaiting = () => wake()
  signal.addEventListener('abort', stopWaiting)
  const waiting = (resolve: () => void) => {
    wake = resolve
  }

  return {
    /** Deltas as they come; null: there is (or may be) something to read beyond `cursor`. */
    next: async (cursor: number): Promise<JobEvent[] | null> => {
      while (deltas.length === 0) {
        if (signal.aborted || gap || newest > cursor) {
          gap = false
          return null
        }
        await new Promise<void>(waiting)
      }
      const taken = deltas
      deltas = []
      return taken.map(viewDelta)
    },
    close: () => {
      clearInterval(poll)
      signal.removeEventListener('abort', stopWaiting)
      stops.forEach(stop => void stop())
    },
  }
}

// The newest events of the jobs that are watched, shared by all who watch them: fifty watchers of one job cost one read,
// not fifty. Who is further behind reads for itself. All jobs together are kept within one bound.
import type { JobEvent } from '@flowforge/protocol'
import { eventText } from './event-text.ts'
import type { Story, StoryPage, StorySubject } from './story.ts'

export interface RecentEvents {
  /** As `Story.read`, in pages of a size for streams. At the newest event that is known, the rows are asked. */
  read(subject: StorySubject, after: number): Promise<StoryPage>
  /** What `read` would give without asking anybody; null: it would ask. */
  atHand(subject: StorySubject, after: number): StoryPage | null
}

/** What a watcher that takes nothing holds: small, since there may be many. */
const PAGE = { limit: 500, bytes: 256 * 1024 }
const JOB_BYTES = 512 * 1024
/** Of text; with the parsed events some four times as much. */
const ALL_BYTES = 16 * 1024 * 1024

interface Tail {
  events: JobEvent[]
  bytes: number
  /** Of the read that gave the last of them. */
  lastSeq: number
  finished: boolean
  /** Pages from a cursor on, while nothing comes: who stands at the same place is given the same array. */
  pages: Map<number, StoryPage>
}

export function createRecentEvents(story: Story): RecentEvents {
  /** The one that grew last is the last. */
  const tails = new Map<string, Tail>()
  const reading = new Map<string, Promise<StoryPage>>()
  let bytes = 0

  const forget = (key: string): void => {
    bytes -= tails.get(key)?.bytes ?? 0
    tails.delete(key)
  }
  const keep = (key: string, page: StoryPage): void => {
    const known = tails.get(key)
    // Two reads may end in another order than they began in.
    if (known && page.lastSeq < known.lastSeq && !page.gone) return
    const tail = page.gone ? { ...page, bytes: 0, events: [], pages: new Map() } : grownTail(known, page)
    if (!tail) return
    forget(key)
    if (tail.events.length === 0) return
    tails.set(key, tail)
    bytes += tail.bytes
    for (const oldest of tails.keys()) {
      if (bytes <= ALL_BYTES) break
      forget(oldest)
    }
  }

  const keyOf = ({ organizationId, jobId }: StorySubject) => `${organizationId}/${jobId}`
  const atHand = (subject: StorySubject, after: number) => pageOf(tails.get(keyOf(subject)), after)

  return {
    atHand,
    read: async (subject, after) => {
      const key = keyOf(subject)
      const recent = atHand(subject, after)
      if (recent) return recent
      const flight = `${key}/${after}`
      const under = reading.get(flight)
      if (under) return under
      const read = story.read(subject, after, PAGE).finally(() => reading.delete(flight))
      reading.set(flight, read)
      const page = await read
      keep(key, page)
      return page
    },
  }
}

function pageOf(tail: Tail | undefined, after: number): StoryPage | null {
  const first = tail?.events[0]?.seq
  if (!tail || first === undefined || after < first - 1 || after >= tail.events.at(-1)!.seq!) return null
  const known = tail.pages.get(after)
  if (known) return known
  const start = after + 1 - first
  const { lastSeq, finished } = tail
  const page = { events: tail.events.slice(start, start + PAGE.limit), lastSeq, finished, gone: false }
  tail.pages.set(after, page)
  return page
}

/** With the page behind it; anew from a page that is the end of the story; null: the page is somewhere in the middle. */
function grownTail(known: Tail | undefined, page: StoryPage): Tail | null {
  const first = page.events[0]
  const { lastSeq, finished } = page
  if (!first) return known ? { ...known, lastSeq, finished, pages: new Map() } : null
  const follows = known !== undefined && first.seq === known.events.at(-1)!.seq! + 1
  if (!follows && page.events.at(-1)!.seq !== lastSeq) return null
  // Its own array, of which others are given slices.
  const events = follows ? known.events : []
  for (const event of page.events) events.push(event)
  const bytes = (follows ? known.bytes : 0) + sizeOf(page.events)
  const tail = { events, bytes, lastSeq, finished, pages: new Map() }
  return tail.bytes > JOB_BYTES ? shortened(tail) : tail
}

/** To half of what it may be, so that it is not cut at each event. */
function shortened(tail: Tail): Tail {
  let { bytes } = tail
  let start = 0
  while (bytes > JOB_BYTES / 2 && start < tail.events.length) {
    bytes -= eventText(tail.events[start]!).length
    start += 1
  }
  return { ...tail, bytes, events: tail.events.slice(start) }
}

const sizeOf = (events: JobEvent[]): number => events.reduce((sum, event) => sum + eventText(event).length, 0)

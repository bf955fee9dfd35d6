// A job's events in order without gap or duplicate: stored pages first, then the live stream, resumed after every cut.
// Knows the two endpoints through its ports; no React, no meaning of an event but the end of a job.
import type { Page, StreamedEvent } from './types.ts'

export interface FeedPorts {
  page(after: number, signal: AbortSignal): Promise<Page<StreamedEvent>>
  /** Opens the stream; returns its close. `onCut` is called once, when the stream will give nothing more. */
  stream(after: number, onEvent: (event: StreamedEvent) => void, onCut: () => void): () => void
  /** Calls back soon, once: gathers what arrives in a burst into one update. */
  soon(run: () => void): void
  later(run: () => void, delayMs: number): () => void
}

export type FeedState = 'loading' | 'live' | 'reconnecting' | 'ended'

export interface EventFeed {
  state(): FeedState
  error(): unknown
  /** Something happened to the job: looks again if the feed had ended. */
  nudge(seq: number | undefined): void
  close(): void
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 10_000
const ENDS = new Set(['job.succeeded', 'job.failed', 'job.cancelled'])
const REOPENS = new Set(['job.retried', 'job.queued', 'job.started', 'reply.received', 'attempt.started'])

export function createEventFeed(
  ports: FeedPorts,
  onEvents: (events: StreamedEvent[]) => void,
  onState: () => void,
): EventFeed {
  const aborter = new AbortController()
  let lastSeq = 0
  let over = false
  let state: FeedState = 'loading'
  let error: unknown
  let retryMs = FIRST_RETRY_MS
  let pending: StreamedEvent[] = []
  let closeStream = () => {}
  let cancelRetry = () => {}

  function enter(next: FeedState, cause?: unknown) {
    if (aborter.signal.aborted) return
    state = next
    error = cause
    onState()
  }

  /** Takes the next event in order; says whether one is missing before it. */
  function accept(event: StreamedEvent): 'taken' | 'known' | 'gap' {
    if (event.seq !== undefined) {
      if (event.seq <= lastSeq) return 'known'
      if (event.seq > lastSeq + 1) return 'gap'
      lastSeq = event.seq
      if (ENDS.has(event.type)) over = true
      else if (REOPENS.has(event.type)) over = false
    }
    if (pending.length === 0) ports.soon(flush)
    pending.push(event)
    return 'taken'
  }

  function flush() {
    const events = pending
    pending = []
    if (events.length > 0 && !aborter.signal.aborted) onEvents(events)
  }

  async function catchUp() {
    closeStream()
    cancelRetry()
    try {
      for (let more = true; more; ) {
        const page = await ports.page(lastSeq, aborter.signal)
        const before = lastSeq
        // Stored pages are the truth: a number that is missing there will never come.
        for (const event of page.data) {
          if (event.seq !== undefined && event.seq > lastSeq + 1) lastSeq = event.seq - 1
          accept(event)
        }
        more = page.hasMore && lastSeq > before
      }
      retryMs = FIRST_RETRY_MS
      if (over) enter('ended')
      else follow()
    } catch (cause) {
      if (!aborter.signal.aborted) retry(cause)
    }
  }

  function follow() {
    enter('live')
    let stopped = false
    const close = ports.stream(
      lastSeq,
      event => {
        if (stopped) return
        if (accept(event) === 'gap') void catchUp()
        else if (over) end()
      },
      () => {
        if (!stopped) retry(undefined)
      },
    )
    closeStream = () => {
      stopped = true
      close()
    }
  }

  function end() {
    closeStream()
    enter('ended')
  }

  function retry(cause: unknown) {
    closeStream()
    enter('reconnecting', cause)
    cancelRetry = ports.later(() => void catchUp(), retryMs)
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
  }

  void catchUp()
  return {
    state: () => state,
    error: () => error,
    nudge(seq) {
      if (state === 'ended' && (seq === undefined || seq > lastSeq)) void catchUp()
    },
    close() {
      aborter.abort()
      closeStream()
      cancelRetry()
    },
  }
}

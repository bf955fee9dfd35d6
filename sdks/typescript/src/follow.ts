// A job's events as they happen, over Server-Sent Events: resumes from its cursor after every break, so that the reader
// sees no gap and no duplicate. Knows nothing of what the events mean but which of them end a job.
import { createParser } from 'eventsource-parser'
import { backoffMs, wait } from './backoff.ts'
import { FlowForgeApiError, FlowForgeConnectionError } from './errors.ts'
import type { JobEvent } from './types.ts'

export interface FollowOptions {
  /** Start after this `seq`; 0 (the default) replays everything. */
  after?: number
  /** Ends the iteration with the signal's reason. */
  signal?: AbortSignal
  /** Told whenever a connection stands, also the first. */
  onConnect?: () => void
  /** Told of each break, before the wait. */
  onReconnect?: (info: { error: unknown; attempt: number; delayMs: number }) => void
  /** How long to keep trying without anything new before it throws. Default 300,000. */
  reconnectForMs?: number
  /** A connection that is silent for so long counts as dead. Default 45,000: three missed heartbeats. */
  idleTimeoutMs?: number
}

export interface FollowSource {
  /** Null: nothing more will come (204, which is how a server ends a stream for good). */
  open(after: number, signal: AbortSignal | undefined): Promise<ReadableStream<Uint8Array> | null>
  /** Whether the log holds an event behind this one. */
  hasEventsAfter(seq: number, signal: AbortSignal | undefined): Promise<boolean>
}

const RECONNECT_DELAY = { firstMs: 250, maxMs: 10_000 }
const ENDS = new Set<string>(['job.succeeded', 'job.failed', 'job.cancelled'])
const REOPENS = new Set<string>(['job.retried', 'job.queued', 'job.started', 'reply.received'])

/** How far the reader has come. Outlives every connection. */
interface Cursor {
  last: number
  ended: boolean
  newsAtMs: number
  /** Breaks since the last news. */
  attempt: number
}

export async function* followEvents(
  source: FollowSource,
  options: FollowOptions,
): AsyncGenerator<JobEvent, void> {
  const { signal, reconnectForMs = 300_000 } = options
  const cursor: Cursor = { last: options.after ?? 0, ended: false, newsAtMs: Date.now(), attempt: 0 }
  for (;;) {
    let problem: unknown
    try {
      if ((yield* followConnection(source, cursor, options)) === 'over') return
      problem = new FlowForgeConnectionError('The event stream was closed by the server')
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (!isPassing(error)) throw error
      problem = error
    }
    if (Date.now() - cursor.newsAtMs > reconnectForMs) throw problem
    const delayMs = backoffMs(cursor.attempt, RECONNECT_DELAY)
    cursor.attempt += 1
    options.onReconnect?.({ error: problem, attempt: cursor.attempt, delayMs })
    await wait(delayMs, signal)
  }
}

async function* followConnection(
  source: FollowSource,
  cursor: Cursor,
  { signal, onConnect, idleTimeoutMs = 45_000 }: FollowOptions,
): AsyncGenerator<JobEvent, 'over' | 'cut'> {
  // A replayed failure may be followed by a retry, so the log decides about the end, not the event alone.
  const isOver = async () => cursor.ended && !(await source.hasEventsAfter(cursor.last, signal))
  const body = await source.open(cursor.last, signal)
  if (body === null) return 'over'
  onConnect?.()
  for await (const event of readEvents(body, idleTimeoutMs)) {
    if (event.seq !== undefined && !advance(cursor, event, event.seq)) continue
    yield event
    if (await isOver()) return 'over'
  }
  return (await isOver()) ? 'over' : 'cut'
}

/** False for an event that the reader has already. */
function advance(cursor: Cursor, event: JobEvent, seq: number): boolean {
  if (seq <= cursor.last) return false
  if (seq > cursor.last + 1) throw new FlowForgeConnectionError('The event stream has a gap')
  cursor.last = seq
  cursor.newsAtMs = Date.now()
  cursor.attempt = 0
  if (ENDS.has(event.type)) cursor.ended = true
  if (REOPENS.has(event.type)) cursor.ended = false
  return true
}

async function* readEvents(
  body: ReadableStream<Uint8Array>,
  idleTimeoutMs: number,
): AsyncGenerator<JobEvent, void> {
  const arrived: JobEvent[] = []
  const parser = createParser({ onEvent: message => arrived.push(JSON.parse(message.data) as JobEvent) })
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const chunk = await withinTime(reader.read(), idleTimeoutMs)
      if (chunk.done) return
      parser.feed(decoder.decode(chunk.value, { stream: true }))
      yield* arrived.splice(0)
    }
  } finally {
    // Also when the reader stops early: the connection is not left open.
    reader.cancel().catch(() => {})
  }
}

/** Comments count as life: a server sends them as heartbeats. */
async function withinTime<T>(reading: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new FlowForgeConnectionError(`The event stream was silent for ${timeoutMs} ms`)),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([reading, silence])
  } finally {
    clearTimeout(timer)
  }
}

/** Worth another connection: the network, an overloaded or restarting server. Not: gone, forbidden. */
const isPassing = (error: unknown): boolean =>
  !(error instanceof FlowForgeApiError) || error.status === 429 || error.status >= 500

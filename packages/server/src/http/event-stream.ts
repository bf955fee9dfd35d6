// Server-Sent Events (HTML standard, 9.2) out of an async iterator, with back-pressure and a heartbeat.
import { once } from 'node:events'
import type { JobEvent } from '@flowforge/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Under the idle limits of common proxies (60 s). */
const HEARTBEAT_MS = 15_000

export async function sendEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  open: (signal: AbortSignal) => AsyncIterable<JobEvent>,
  /** This server goes: the watcher is to connect again soon. */
  streamsEnd: AbortSignal,
): Promise<FastifyReply> {
  reply.hijack()
  const res = reply.raw
  const gone = new AbortController()
  res.on('close', () => gone.abort())
  const goElsewhere = () => gone.abort(GOING)
  streamsEnd.addEventListener('abort', goElsewhere)
  if (streamsEnd.aborted) goElsewhere()
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': request.id,
  })
  res.flushHeaders()
  const heartbeat = setInterval(() => {
    if (!res.writableNeedDrain) res.write(': alive\n\n')
  }, HEARTBEAT_MS)
  try {
    for await (const event of open(gone.signal)) {
      if (!res.write(frame(event))) await once(res, 'drain', { signal: gone.signal })
    }
  } catch (error) {
    // The watcher asks again from its cursor; an answer that has begun can't carry a problem document.
    if (!gone.signal.aborted) request.log.warn({ err: error }, 'an event stream broke off')
  } finally {
    clearInterval(heartbeat)
    streamsEnd.removeEventListener('abort', goElsewhere)
    res.end(gone.signal.reason === GOING ? RECONNECT_SOON : undefined)
  }
  return reply
}

/** What browsers wait before they connect again; the SDK waits as long by itself. */
const RECONNECT_SOON = 'retry: 250\n: this server is about to end, connect again\n\n'
const GOING = Symbol('this server goes')

const frame = (event: JobEvent): string =>
  `${event.seq === undefined ? '' : `id: ${event.seq}\n`}event: message\ndata: ${JSON.stringify(event)}\n\n`

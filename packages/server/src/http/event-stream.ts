// Server-Sent Events (HTML standard, 9.2) out of an async iterator, with back-pressure and a heartbeat. Nothing is pulled
// while the client has not taken what was sent.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { JobEvent } from '@flowforge/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { eventStreamText } from './written-events.ts'

/** Under the idle limits of common proxies (60 s). */
const HEARTBEAT_MS = 15_000
/** A peer that is gone and idle is noticed before the next heartbeat: Node.js sends ten probes, a second apart. */
const KEEP_ALIVE_MS = 3_000
/** One that takes nothing for so long is let go: it asks again from its cursor. */
const STALLED_MS = 45_000

export async function sendEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  open: (signal: AbortSignal) => AsyncIterable<readonly JobEvent[]>,
  /** This server goes: the watcher is to connect again soon. */
  streamsEnd: AbortSignal,
): Promise<FastifyReply> {
  reply.hijack()
  const res = reply.raw
  const gone = new AbortController()
  res.on('close', () => gone.abort())
  request.raw.socket.setKeepAlive(true, KEEP_ALIVE_MS)
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
    for await (const events of open(gone.signal)) {
      if (!res.write(eventStreamText(events))) await drained(res, gone.signal)
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

async function drained(res: ServerResponse, gone: AbortSignal): Promise<void> {
  const stalled = setTimeout(() => res.destroy(), STALLED_MS)
  try {
    await once(res, 'drain', { signal: gone })
  } finally {
    clearTimeout(stalled)
  }
}

/** What browsers wait before they connect again; the SDK waits as long by itself. */
const RECONNECT_SOON = 'retry: 250\n: this server is about to end, connect again\n\n'
const GOING = Symbol('this server goes')

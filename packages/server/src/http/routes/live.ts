// WebSocket: send `{subscribe: jobId | "*", after: seq}`, get events. One connection may hold several subscriptions.
import { once } from 'node:events'
import type { JobEvent } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import type { Principal } from '../../auth/principal.ts'
import { isFlowForgeError } from '../../errors.ts'
import type { HttpContext } from '../context.ts'
import { requireJob } from './jobs.ts'

const Message = z.union([
  z.object({
    subscribe: z.string().min(1).max(100),
    after: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(0),
  }),
  z.object({ unsubscribe: z.string().min(1).max(100) }),
])

const MAX_SUBSCRIPTIONS = 50
const PING_MS = 20_000
/** Above this, the next event waits until the client has taken what was sent. */
const HIGH_WATER_BYTES = 256 * 1024

export const liveRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    app.get('/live', { websocket: true, schema: { hide: true } }, (socket, request) => {
      const connection = createConnection(context, request.principal, socket)
      socket.on('message', data => {
        connection.receive(String(data)).catch(error => {
          request.log.warn({ err: error }, 'a live message failed')
          socket.close(1011, 'FlowForge failed at this; connect again')
        })
      })
      const goElsewhere = () => socket.close(1012, 'This server is about to end; connect again')
      context.closing.streamsEnd.addEventListener('abort', goElsewhere)
      socket.on('close', () => context.closing.streamsEnd.removeEventListener('abort', goElsewhere))
      socket.on('close', connection.close)
      socket.on('error', connection.close)
    })
  }

function createConnection(context: HttpContext, principal: Principal, socket: WebSocket) {
  const subscriptions = new Map<string, AbortController>()
  let alive = true
  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, PING_MS)
  socket.on('pong', () => {
    alive = true
  })

  const say = (type: string, fields: object): void => socket.send(JSON.stringify({ type, ...fields }))
  const pump = async (
    name: string,
    events: AsyncIterable<JobEvent>,
    stop: AbortController,
  ): Promise<void> => {
    for await (const event of events) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(JSON.stringify(event))
      if (socket.bufferedAmount > HIGH_WATER_BYTES) await drained(socket)
    }
    // One that was replaced ends silently: the name is its successor's now.
    if (subscriptions.get(name) !== stop) return
    subscriptions.delete(name)
    say('live.ended', { subscription: name })
  }
  const open = async (reference: string, after: number, signal: AbortSignal) => {
    const { organizationId } = principal
    if (reference === '*') return context.organizationStreams.watch({ organizationId, signal })
    const { id: jobId } = await context.database.inOrganization(organizationId, tx =>
      requireJob(tx, organizationId, reference),
    )
    return context.jobStreams.watch({ organizationId, jobId, after, signal, untilFinished: false })
  }
  const subscribe = async (reference: string, after: number): Promise<void> => {
    subscriptions.get(reference)?.abort()
    subscriptions.delete(reference)
    if (subscriptions.size >= MAX_SUBSCRIPTIONS)
      return say('live.error', {
        code: 'rate_limited',
        detail: `At most ${MAX_SUBSCRIPTIONS} subscriptions on one connection.`,
      })
    const stop = new AbortController()
    subscriptions.set(reference, stop)
    try {
      const events = await open(reference, after, stop.signal)
      if (stop.signal.aborted) return
      say('live.subscribed', { subscription: reference, after })
      pump(reference, events, stop).catch(() => socket.close(1011, 'FlowForge failed at this; connect again'))
    } catch (error) {
      if (subscriptions.get(reference) === stop) subscriptions.delete(reference)
      throw error
    }
  }

  return {
    receive: async (text: string): Promise<void> => {
      const message = Message.safeParse(parseJson(text))
      if (!message.success)
        return say('live.error', {
          code: 'malformed_request',
          detail: 'Send {"subscribe": jobId or "*", "after": seq}.',
        })
      if ('unsubscribe' in message.data) {
        subscriptions.get(message.data.unsubscribe)?.abort()
        subscriptions.delete(message.data.unsubscribe)
        return
      }
      await subscribe(message.data.subscribe, message.data.after).catch(error => {
        if (!isFlowForgeError(error)) throw error
        say('live.error', { code: error.code, detail: error.message })
      })
    },
    close: (): void => {
      clearInterval(heartbeat)
      for (const stop of subscriptions.values()) stop.abort()
      subscriptions.clear()
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `ws` tells of sent bytes only by a callback on the last message; an empty ping is the smallest one. */
const drained = (socket: WebSocket): Promise<void> =>
  Promise.race([
    new Promise<void>(resolve => socket.ping('', false, () => resolve())),
    once(socket, 'close').then(() => {}),
  ])

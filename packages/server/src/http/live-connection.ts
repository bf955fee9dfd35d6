// One WebSocket connection: its subscriptions, its heartbeat, and what it costs at most. Events are pulled for each
// subscription, and nothing is pulled while the client has not taken what was sent.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { JobEvent } from '@flowforge/protocol'
import type { FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import type { Principal } from '../auth/principal.ts'
import { isFlowForgeError } from '../errors.ts'
import type { HttpContext } from './context.ts'
import { watchPeer } from './live-heartbeat.ts'
import { requireJob } from './routes/jobs.ts'
import { webSocketFrames } from './written-events.ts'

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
type Message = z.infer<typeof Message>

const MAX_SUBSCRIPTIONS = 50
/** Messages at work at once: each asks the database. */
const MAX_UNANSWERED = 100
const FAILED = 'FlowForge failed at this; connect again'

type LiveContext = Pick<HttpContext, 'database' | 'jobStreams' | 'organizationStreams' | 'closing'>

export function serveLiveConnection(context: LiveContext, request: FastifyRequest, socket: WebSocket): void {
  const tcp = request.raw.socket
  const subscriptions = createSubscriptions(context, request.principal, socket, tcp, error => {
    request.log.warn({ err: error }, 'a live subscription failed')
  })
  const stopHeartbeat = watchPeer(socket, tcp)
  let unanswered = 0
  socket.on('message', data => {
    if (unanswered >= MAX_UNANSWERED) return socket.close(1008, 'Too many messages at once')
    unanswered += 1
    subscriptions
      .receive(String(data))
      .catch(error => {
        request.log.warn({ err: error }, 'a live message failed')
        socket.close(1011, FAILED)
      })
      .finally(() => {
        unanswered -= 1
      })
  })
  const goElsewhere = () => socket.close(1012, 'This server is about to end; connect again')
  context.closing.streamsEnd.addEventListener('abort', goElsewhere)
  const close = () => {
    context.closing.streamsEnd.removeEventListener('abort', goElsewhere)
    stopHeartbeat()
    subscriptions.close()
  }
  socket.on('close', close)
  socket.on('error', close)
}

function createSubscriptions(
  context: LiveContext,
  principal: Principal,
  socket: WebSocket,
  tcp: Socket,
  onError: (error: unknown) => void,
) {
  const { organizationId } = principal
  const subscriptions = new Map<string, AbortController>()
  const say = (type: string, fields: object): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type, ...fields }))
  }
  const end = (name: string): void => {
    subscriptions.get(name)?.abort()
    subscriptions.delete(name)
  }
  /** An error that has a name ends its subscription; any other ends the connection. */
  const fail = (name: string, error: unknown): void => {
    if (isFlowForgeError(error)) {
      say('live.error', { subscription: name, code: error.code, detail: error.message })
      return
    }
    onError(error)
    socket.close(1011, FAILED)
  }
  const open = async (name: string, after: number, signal: AbortSignal) => {
    if (name === '*') return context.organizationStreams.watch({ organizationId, signal })
    const { id: jobId } = await context.database.inOrganization(organizationId, tx =>
      requireJob(tx, organizationId, name),
    )
    return context.jobStreams.watch({ organizationId, jobId, after, signal, untilFinished: false })
  }
  const pump = async (events: AsyncIterable<readonly JobEvent[]>): Promise<void> => {
    for await (const some of events) {
      if (socket.readyState !== socket.OPEN) return
      // Past the library, which would make a buffer and two writes of each event for each client. It writes at once as
      // well, there is no compression, and so messages keep their order.
      if (!tcp.write(webSocketFrames(some))) await drained(tcp)
    }
  }
  const run = async (name: string, after: number, stop: AbortController, opened: () => void) => {
    try {
      const events = await open(name, after, stop.signal)
      if (stop.signal.aborted) return
      say('live.subscribed', { subscription: name, after })
      opened()
      await pump(events)
      // One that was replaced ends silently: the name is its successor's now.
      if (subscriptions.get(name) === stop) say('live.ended', { subscription: name })
    } catch (error) {
      if (!stop.signal.aborted) fail(name, error)
    } finally {
      if (subscriptions.get(name) === stop) subscriptions.delete(name)
      opened()
    }
  }
  const subscribe = async (name: string, after: number): Promise<void> => {
    end(name)
    if (subscriptions.size >= MAX_SUBSCRIPTIONS)
      return say('live.error', {
        subscription: name,
        code: 'rate_limited',
        detail: `At most ${MAX_SUBSCRIPTIONS} subscriptions on one connection. Unsubscribe from one, or subscribe to "*".`,
      })
    const stop = new AbortController()
    subscriptions.set(name, stop)
    await new Promise<void>(opened => void run(name, after, stop, opened))
  }

  return {
    /** Resolves when the message was acted on; a subscription goes on by itself. */
    receive: async (text: string): Promise<void> => {
      const message = Message.safeParse(parseJson(text))
      if (!message.success)
        return say('live.error', {
          code: 'malformed_request',
          detail: 'Send {"subscribe": jobId or "*", "after": seq}.',
        })
      await obey(message.data)
    },
    close: (): void => [...subscriptions.keys()].forEach(end),
  }
  async function obey(message: Message): Promise<void> {
    if ('unsubscribe' in message) return end(message.unsubscribe)
    await subscribe(message.subscribe, message.after)
  }
}

/** Also when the connection ends meanwhile. */
async function drained(tcp: Socket): Promise<void> {
  const done = new AbortController()
  const either = ['drain', 'close'].map(name => once(tcp, name, { signal: done.signal }).catch(() => {}))
  if (!tcp.destroyed) await Promise.race(either)
  done.abort()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

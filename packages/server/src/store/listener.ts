// One connection that LISTENs. It notices a dead or half-open connection by asking a small question regularly,
// connects again by itself, and says so, because notifications sent meanwhile are lost.
import pg from 'pg'

export interface Listener {
  on(channel: string, handler: (payload: string) => void): void
  onReconnect(handler: () => void): void
  close(): Promise<void>
}

const CHECK_INTERVAL_MS = 5_000
const ANSWER_TIMEOUT_MS = 5_000
const RECONNECT_DELAY_MS = 500

export async function createListener(connection: pg.ClientConfig): Promise<Listener> {
  const handlers = new Map<string, Array<(payload: string) => void>>()
  const reconnectHandlers: Array<() => void> = []
  let client: pg.Client | null = null
  let closed = false
  let retry: NodeJS.Timeout | undefined
  // One question at a time on a connection: the driver is to be asked when it has answered.
  const asked = new WeakMap<pg.Client, Promise<unknown>>()
  const ask = (of: pg.Client, text: string): Promise<unknown> => {
    const before = asked.get(of) ?? Promise.resolve()
    const answer = before.catch(() => {}).then(() => of.query(text))
    asked.set(of, answer)
    return answer
  }

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      ...connection,
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: ANSWER_TIMEOUT_MS,
    })
    next.on('notification', message => {
      for (const handler of handlers.get(message.channel) ?? []) handler(message.payload ?? '')
    })
    next.on('error', () => lose(next))
    next.on('end', () => lose(next))
    try {
      await next.connect()
      for (const channel of handlers.keys()) await ask(next, `listen ${next.escapeIdentifier(channel)}`)
    } catch (error) {
      void next.end().catch(() => {})
      throw error
    }
    if (closed) return next.end()
    client = next
  }
  const lose = (lost: pg.Client) => {
    if (lost !== client) return
    client = null
    void lost.end().catch(() => {})
    scheduleReconnect()
  }
  const scheduleReconnect = () => {
    if (closed) return
    retry = setTimeout(() => {
      connect().then(() => reconnectHandlers.forEach(handler => void handler()), scheduleReconnect)
    }, RECONNECT_DELAY_MS)
  }
  const listenOn = (on: pg.Client, channel: string): void => {
    ask(on, `listen ${on.escapeIdentifier(channel)}`).catch(() => lose(on))
  }
  const check = setInterval(() => {
    const current = client
    if (current) ask(current, 'select 1').catch(() => lose(current))
  }, CHECK_INTERVAL_MS)
  check.unref()

  await connect()
  return {
    on: (channel, handler) => {
      const first = !handlers.has(channel)
      handlers.set(channel, [...(handlers.get(channel) ?? []), handler])
      if (first && client) listenOn(client, channel)
    },
    onReconnect: handler => void reconnectHandlers.push(handler),
    close: async () => {
      closed = true
      clearTimeout(retry)
      clearInterval(check)
      const last = client
      client = null
      await last?.end()
    },
  }
}

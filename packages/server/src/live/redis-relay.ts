// Carries the bus between processes by Redis' publish and subscribe: one connection of each kind for a process, however many
// watch. Redis keeps nothing of it, so that a flush does no harm.
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import type { Relay } from './bus.ts'

/** While Redis is away nobody hears of others' events: subscribers look by themselves. */
const GAP_MS = 1_000
const CHECK_TIMEOUT_MS = 5_000

export interface RedisRelay extends Relay {
  /** Why nothing is carried at the moment; null: nothing speaks against it. */
  trouble(): string | null
  /** Waits for the first connection when there was none yet, and gives what is wrong with it; null: nothing. */
  check(): Promise<string | null>
}

export function createRedisRelay({
  connect,
  installationId,
}: {
  /** Connects by itself, for ever, and subscribes again; what is asked while it is away fails at once. */
  connect: () => Redis
  installationId: string
}): RedisRelay {
  const channel = `flowforge:${installationId}:live`
  const [sender, subscriber] = [connect(), connect()]
  const gapHandlers: Array<() => void> = []
  const tellGap = () => gapHandlers.forEach(handler => void handler())
  let trouble: string | null = null
  let away: NodeJS.Timeout | undefined

  const lose = (problem: string): void => {
    trouble = problem
    away ??= setInterval(tellGap, GAP_MS)
  }
  const subscribe = async (): Promise<void> => {
    await subscriber.subscribe(channel)
    clearInterval(away)
    away = undefined
    trouble = null
    // Also at the first time: what was said before that was not heard.
    tellGap()
  }
  // Not the client's own renewal: it tells nobody when the subscription stands.
  subscriber.on('ready', () => void subscribe().catch(error => lose((error as Error).message)))
  subscriber.on('error', error => lose(error.message || String((error as NodeJS.ErrnoException).code)))
  subscriber.on('close', () => lose(trouble ?? 'the connection was lost'))

  return {
    trouble: () => trouble,
    check: async () => {
      for (const redis of [sender, subscriber])
        if (redis.status !== 'ready' && !trouble)
          // When it fails it says so, and that is the trouble.
          await once(redis, 'ready', { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) }).catch(() => {})
      if (trouble) return trouble
      return sender.ping().then(
        () => null,
        error => (error as Error).message,
      )
    },
    send: messages => {
      const batch = sender.pipeline()
      for (const message of messages) batch.publish(channel, message)
      return batch.exec()
    },
    onMessage: handler => {
      subscriber.on('message', (_channel, message) => handler(message))
    },
    onGap: handler => void gapHandlers.push(handler),
    close: async () => {
      sender.disconnect()
      subscriber.removeAllListeners('close')
      subscriber.disconnect()
      clearInterval(away)
    },
  }
}

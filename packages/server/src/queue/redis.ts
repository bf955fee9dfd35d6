// Redis as the broker: a stream for each installation, read by a consumer group of all claimers. Knows streams; what a ring is
// for, it does not know.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { FlowForgeError } from '../errors.ts'
import type { Answering } from '../jobs/ports.ts'
import { type Broker, CLOSE_TIMEOUT_MS, MAX_WAITING_RINGS, PUBLISH_TIMEOUT_MS } from './broker.ts'
import { hearRings } from './redis-rings.ts'
import { within } from './within.ts'

export interface RedisConnections {
  /** For people; no password. */
  name: string
  /** Connects by itself, for ever; what is asked while it is away fails at once. */
  connect(): Redis
}

const GROUP = 'workers'
/** A ring that was taken and not confirmed for so long: whoever took it is dead, frozen, or its claim fails. */
const FORSAKEN_MS = 15_000

export function createRedisBroker({
  redis,
  installationId,
  forsakenMs = FORSAKEN_MS,
}: {
  redis: RedisConnections
  installationId: string
  forsakenMs?: number
}): Broker {
  const { name } = redis
  const stream = `flowforge:${installationId}:rings`
  const commands = redis.connect()
  let trouble: string | null = null
  commands.on('ready', () => {
    trouble = null
  })
  commands.on('error', error => {
    trouble = error.message || String((error as NodeJS.ErrnoException).code)
  })
  commands.on('close', () => {
    trouble ??= 'the connection was lost'
  })
  const answerings = new Set<Answering>()
  const failed = (error: unknown) =>
    new FlowForgeError(
      'broker_unavailable',
      `${name} takes no rings: ${trouble ?? (error as Error).message}.`,
      {
        cause: error,
      },
    )

  return {
    name,
    trouble: () => trouble,
    publish: async jobIds => {
      const batch = commands.pipeline()
      for (const id of jobIds) batch.xadd(stream, 'MAXLEN', '~', MAX_WAITING_RINGS, '*', 'job', id)
      const answers = await within(PUBLISH_TIMEOUT_MS, batch.exec()).catch(error => {
        throw failed(error)
      })
      const refused = answers?.find(([error]) => error)
      if (refused) throw failed(refused[0])
    },
    answer: claimer => {
      const consumer = `worker-${randomUUID()}`
      const answering = hearRings({
        commands,
        reader: redis.connect(),
        place: { stream, group: GROUP, consumer },
        claimer,
        forsakenMs,
      })
      answerings.add(answering)
      return {
        ...answering,
        stop: () => {
          answerings.delete(answering)
          return answering.stop()
        },
      }
    },
    // What is confirmed is deleted, so that the stream has the others alone.
    waiting: () => within(PUBLISH_TIMEOUT_MS, commands.xlen(stream)),
    check: async () => {
      try {
        if (trouble) return { ok: false, summary: name, problem: trouble }
        // At a start the client needs a moment; when that fails it says so.
        if (commands.status !== 'ready')
          await once(commands, 'ready', { signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS) })
        const rings = await within(PUBLISH_TIMEOUT_MS, commands.xlen(stream))
        return { ok: true, summary: `${name} (${rings} waiting)` }
      } catch (error) {
        return { ok: false, summary: name, problem: trouble ?? (error as Error).message }
      }
    },
    close: async () => {
      const ending = [...answerings].map(answering => answering.stop())
      await within(CLOSE_TIMEOUT_MS, Promise.all(ending)).catch(() => {})
      commands.disconnect()
    },
  }
}

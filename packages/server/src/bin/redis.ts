// How FlowForge connects to Redis: the queue and the bus do it alike.
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { addressOf } from '../queue/broker-address.ts'
import type { RedisConnections } from '../queue/redis.ts'

const CONNECT_TIMEOUT_MS = 4_000
/** A connection that gets no word for so long, although it was asked something, is half-open. */
const ANSWER_TIMEOUT_MS = 3_000
const PING_MS = 5_000

export function createRedisConnections(url: string, log: Logger): RedisConnections {
  const name = `Redis at ${addressOf(url)}`
  // One word for all connections, which come and go together. At the start whoever connects says what is wrong.
  let state: 'new' | 'ready' | 'lost' = 'new'
  return {
    name,
    connect: () => {
      const redis = connect(url)
      redis.on('ready', () => {
        if (state === 'lost') log.info(`${name} is back`)
        state = 'ready'
      })
      // Also without anybody who cares: an `error` that nobody hears would end the process.
      redis.on('error', error => {
        if (state === 'ready') {
          log.warn({ problem: error.message }, `${name} is away; it is tried again until it is back`)
          state = 'lost'
        }
      })
      return redis
    },
  }
}

function connect(url: string): Redis {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    // Hints: better lost at once than late.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: times => Math.min(100 * 2 ** Math.min(times, 6), 2_000),
  })
  const ping = setInterval(() => {
    if (redis.status === 'ready') redis.ping().catch(() => redis.disconnect(true))
  }, PING_MS)
  ping.unref()
  redis.once('end', () => clearInterval(ping))
  return redis
}

// Which doorbell this installation has, and which bus: Postgres, or what FLOWFORGE_QUEUE_URL and REDIS_URL name.
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { FlowForgeError } from '../errors.ts'
import type { SweepTask } from '../jobs/sweeper.ts'
import { type Bus, createBus } from '../live/bus.ts'
import { createPostgresRelay } from '../live/postgres-relay.ts'
import { createRedisRelay } from '../live/redis-relay.ts'
import type { Broker } from '../queue/broker.ts'
import { type Link, POSTGRES_LINK } from '../queue/link.ts'
import { createOutboxDoorbell } from '../queue/outbox.ts'
import { createPostgresDoorbell } from '../queue/postgres.ts'
import type { RedisConnections } from '../queue/redis.ts'
import type { Database } from '../store/database.ts'
import type { Listener } from '../store/listener.ts'
import { knowsBroker, rememberBroker } from '../store/outbox.ts'

interface Ground {
  config: Config
  database: Database
  listener: Listener
  installationId: string
  log: Logger
}

const SWEEP_MS = 1_000

export async function createQueue(ground: Ground) {
  const { config, database, listener, log } = ground
  if (!config.queue) {
    const doorbell = createPostgresDoorbell(listener, database.pool)
    return { doorbell, link: POSTGRES_LINK, sweep: [] as SweepTask[] }
  }
  const broker = await createBroker(config.queue, ground)
  const link: Link = {
    kind: config.queue.kind,
    trouble: broker.trouble,
    check: broker.check,
    next: 'Jobs run all the same, up to a second later. Start it, or check FLOWFORGE_QUEUE_URL.',
  }
  await meet(ground, broker.name, link, 'FLOWFORGE_QUEUE_URL').catch(async error => {
    await broker.close()
    throw error
  })
  const doorbell = createOutboxDoorbell({ database, broker, log })
  return {
    doorbell,
    link,
    sweep: [{ name: 'outbox', everyMs: SWEEP_MS, run: doorbell.sweep }] as SweepTask[],
  }
}

/** Clients of brokers are loaded where there is one: they take a tenth of a second of a start. */
async function createBroker(
  queue: NonNullable<Config['queue']>,
  { installationId, log }: Ground,
): Promise<Broker> {
  if (queue.kind === 'rabbitmq') {
    const { createRabbitBroker } = await import('../queue/rabbitmq.ts')
    return createRabbitBroker({ url: queue.url, installationId, log })
  }
  const [{ createRedisBroker }, redis] = await Promise.all([
    import('../queue/redis.ts'),
    connectRedis(queue.url, log),
  ])
  return createRedisBroker({ redis, installationId })
}

const connectRedis = async (url: string, log: Logger): Promise<RedisConnections> =>
  (await import('./redis.ts')).createRedisConnections(url, log)

export async function createLiveBus(ground: Ground): Promise<{ bus: Bus; link: Link }> {
  const { config, database, listener, installationId, log } = ground
  if (!config.redisUrl)
    return { bus: createBus(createPostgresRelay({ listener, pool: database.pool })), link: POSTGRES_LINK }
  const { name, connect } = await connectRedis(config.redisUrl, log)
  const relay = createRedisRelay({ connect, installationId })
  const link: Link = {
    kind: 'redis',
    trouble: relay.trouble,
    check: async () => {
      const problem = await relay.check()
      return problem === null ? { ok: true, summary: name } : { ok: false, summary: name, problem }
    },
    next: 'Watchers see events of other processes a second late. Start it, or check REDIS_URL.',
  }
  const bus = createBus(relay)
  await meet(ground, name, link, 'REDIS_URL').catch(async error => {
    await bus.close()
    throw error
  })
  return { bus, link }
}

/** A server that has never answered here is a mistake in the URL; one that has is down, and FlowForge does without it. */
async function meet({ database, log }: Ground, name: string, link: Link, variable: string): Promise<void> {
  const { ok, problem } = await link.check()
  if (ok) {
    await database.acrossOrganizations(tx => rememberBroker(tx, name))
    return
  }
  if (!(await database.acrossOrganizations(tx => knowsBroker(tx, name))))
    throw new FlowForgeError(
      'broker_unavailable',
      `${name} can not be reached: ${problem}. Start it, or check ${variable}.`,
    )
  log.warn({ problem }, `${name} is away, and FlowForge starts without it. ${link.next}`)
}

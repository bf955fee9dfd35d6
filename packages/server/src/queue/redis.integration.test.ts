import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { createRedisConnections } from '../bin/redis.ts'
import { describeQueueContract, type QueueHarness } from './contract.ts'
import { createRedisBroker } from './redis.ts'
import { type BrokerProcess, connectBroker, countConnectionsTo } from './testing-processes.ts'
import { startRedis } from './testing-servers.ts'

describeQueueContract('Redis Streams', async (): Promise<QueueHarness> => {
  const server = await startRedis()
  const redis = createRedisConnections(server.url, pino({ level: 'silent' }))
  const installationId = randomUUID()
  const admin = redis.connect()
  return {
    connect: async scene => {
      const broker = createRedisBroker({ redis, installationId, forsakenMs: 1_000 })
      await broker.check()
      return connectBroker(scene, broker)
    },
    connections: () => countConnectionsTo(server.port),
    breakConnections: async () => void (await admin.call('CLIENT', 'KILL', 'TYPE', 'normal')),
    broker: {
      sweep: process => (process as BrokerProcess).doorbell.sweep(),
      lose: async () => void (await admin.flushall()),
      stop: server.stop,
      start: server.start,
      freeze: () => server.signal('SIGSTOP'),
      thaw: () => server.signal('SIGCONT'),
    },
    close: async () => {
      admin.disconnect()
      await server.close()
    },
  }
})

// BullMQ beside FlowForge: a Redis of its own with an append-only file, jobs that do nothing.
import { Queue, Worker } from 'bullmq'
import { type Contender, createStartClock, createTally } from './contender.ts'
import type { Redis } from './redis.ts'

const CONCURRENCY = 100
const BATCH = 500

export async function createBullMq(redis: Redis): Promise<Contender> {
  const connection = { path: redis.socketPath, maxRetriesPerRequest: null }
  const queue = new Queue('noop', { connection })
  const tally = createTally()
  const clock = createStartClock()
  const worker = new Worker<{ key: string }>('noop', async ({ data }) => clock.begun(data.key), {
    connection,
    concurrency: CONCURRENCY,
  })
  worker.on('completed', () => tally.add())
  await worker.waitUntilReady()
  return {
    name: `BullMQ, ${redis.fsync}`,
    about: `Redis with an append-only file, appendfsync ${redis.fsync}, concurrency ${CONCURRENCY}`,
    submitMany: async count => {
      for (let sent = 0; sent < count; sent += BATCH) {
        const size = Math.min(BATCH, count - sent)
        await queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: { key: '' } })))
      }
    },
    untilDone: tally.until,
    forget: tally.forget,
    submitOne: () => clock.time(key => queue.add('noop', { key })),
    close: async () => {
      await worker.close()
      await queue.close()
    },
  }
}

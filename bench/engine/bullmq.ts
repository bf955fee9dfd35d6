// BullMQ beside FlowForge: a Redis of its own with an append-only file, jobs that do nothing.
import { Queue, Worker } from 'bullmq'
import { type Contender, createTally } from './contender.ts'
import type { Redis } from './redis.ts'

const CONCURRENCY = 100
const BATCH = 500

export async function createBullMq(redis: Redis): Promise<Contender> {
  const connection = { path: redis.socketPath, maxRetriesPerRequest: null }
  const queue = new Queue('noop', { connection })
  const tally = createTally()
  const started = new Map<string, () => void>()
  const worker = new Worker<{ key: string }>('noop', async ({ data }) => started.get(data.key)?.(), {
    connection,
    concurrency: CONCURRENCY,
  })
  worker.on('completed', () => tally.add())
  await worker.waitUntilReady()
  let number = 0
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
    submitOne: () => {
      const key = String(number++)
      const { promise, resolve } = Promise.withResolvers<number>()
      const submittedAt = performance.now()
      started.set(key, () => {
        started.delete(key)
        resolve(performance.now() - submittedAt)
      })
      void queue.add('noop', { key })
      return promise
    },
    close: async () => {
      await worker.close()
      await queue.close()
    },
  }
}

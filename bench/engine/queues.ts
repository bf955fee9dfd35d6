// What each queue costs a job at low load: from submit to the begin of its work, when Postgres rings, RabbitMQ, or Redis. The
// first run of each is not counted; they take turns, so that what else the machine does falls on all alike.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { createRedisConnections } from '../../packages/server/src/bin/redis.ts'
import type { Broker } from '../../packages/server/src/queue/broker.ts'
import { createRabbitBroker } from '../../packages/server/src/queue/rabbitmq.ts'
import { createRedisBroker } from '../../packages/server/src/queue/redis.ts'
import { startRabbit, startRedis } from '../../packages/server/src/queue/testing-servers.ts'
import { figures } from '../report.ts'
import { runOneByOne } from './dispatch.ts'
import { createFlowForgeContender } from './flowforge.ts'
import type { Cluster } from './postgres.ts'

const ROUNDS = 3
const INSTALL = join(import.meta.dirname, '../../script/lib/apt-install')
const RABBIT_PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server'

export interface QueueStart {
  queue: string
  startMs: { p50: number; p99: number }
}

export async function compareQueues(cluster: Cluster): Promise<QueueStart[]> {
  await access(RABBIT_PROGRAM).catch(() => promisify(execFile)(INSTALL, ['rabbitmq-server']))
  const [redis, rabbit] = await Promise.all([startRedis(), startRabbit()])
  const log = pino({ level: 'warn' })
  const brokers: Array<[string, Broker | undefined]> = [
    ['Postgres', undefined],
    ['RabbitMQ', createRabbitBroker({ url: rabbit.url, installationId: randomUUID(), log })],
    [
      'Redis Streams',
      createRedisBroker({ redis: createRedisConnections(redis.url, log), installationId: randomUUID() }),
    ],
  ]
  try {
    const contenders = await Promise.all(
      brokers.map(async ([queue, broker], n) => {
        await broker?.check()
        return {
          queue,
          contender: await createFlowForgeContender(
            (await cluster.createFlowForge(`queue_${n}`)).app,
            broker,
          ),
          rounds: [] as Array<{ p50: number; p99: number }>,
        }
      }),
    )
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { contender, rounds } of contenders) {
        const start = await runOneByOne(contender)
        if (round > 0) rounds.push(start)
      }
    }
    for (const { contender } of contenders) await contender.close()
    const results = contenders.map(({ queue, rounds }) => ({ queue, startMs: medians(rounds) }))
    print(results)
    return results
  } finally {
    await Promise.all([redis.close(), rabbit.close()])
  }
}

const medians = (rounds: Array<{ p50: number; p99: number }>) => ({
  p50: figures(rounds.map(({ p50 }) => p50)).p50,
  p99: figures(rounds.map(({ p99 }) => p99)).p50,
})

function print(results: QueueStart[]): void {
  process.stdout.write('\nOne job at a time, submit → its work begins, by what rings\n')
  for (const { queue, startMs } of results)
    process.stdout.write(
      `${queue.padEnd(14)}  p50 ${startMs.p50.toFixed(1)} ms  p99 ${startMs.p99.toFixed(1)} ms\n`,
    )
}

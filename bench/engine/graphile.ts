// graphile-worker beside FlowForge: the same Postgres server and settings, a database of its own, jobs that do nothing.
import { Logger, makeWorkerUtils, type Runner, run } from 'graphile-worker'
import pg from 'pg'
import { type Contender, createStartClock, createTally } from './contender.ts'

const CONCURRENCY = 100
/** What one call of `addJobs` takes well; more gains nothing. */
const BATCH = 500
const silent = new Logger(() => () => {})

export async function createGraphile(connection: pg.PoolConfig): Promise<Contender> {
  const pgPool = new pg.Pool({ ...connection, max: 16 })
  pgPool.on('error', () => {})
  pgPool.on('connect', client => void client.on('error', () => {}))
  const utils = await makeWorkerUtils({ pgPool, logger: silent })
  await utils.migrate()
  const tally = createTally()
  const clock = createStartClock()
  const runner: Runner = await run({
    pgPool,
    logger: silent,
    concurrency: CONCURRENCY,
    noHandleSignals: true,
    pollInterval: 1_000,
    // Batches, as its documentation advises for throughput: jobs fetched ahead, completions gathered.
    preset: {
      worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
    },
    taskList: {
      noop: payload => clock.begun((payload as { key: string }).key),
    },
  })
  runner.events.on('job:complete', () => tally.add())
  return {
    name: 'graphile-worker',
    about: `Postgres with fsync, concurrency ${CONCURRENCY}, local queue of 500, batched completions`,
    submitMany: async count => {
      for (let sent = 0; sent < count; sent += BATCH) {
        const size = Math.min(BATCH, count - sent)
        await utils.addJobs(
          Array.from({ length: size }, () => ({ identifier: 'noop', payload: { key: '' } })),
        )
      }
    },
    untilDone: tally.until,
    forget: tally.forget,
    submitOne: () => clock.time(key => utils.addJob('noop', { key })),
    close: async () => {
      await runner.stop()
      await utils.release()
      await pgPool.end()
    },
  }
}

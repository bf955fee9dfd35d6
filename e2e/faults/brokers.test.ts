// The broker or Redis is emptied, restarted, frozen, or says things twice: it only ever rings, and the rows know all.
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRabbit, startRedis, type TestServer } from '../../packages/server/src/queue/testing-servers.ts'
import { hostedRepository } from '../repositories.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched, type WatchedJob } from './invariants.ts'
import { createInstallation, type Installation } from './processes.ts'

/** One server and two workers, that hear of each other and of jobs through this broker alone. */
async function startWith(environment: Record<string, string>) {
  const installation = await createInstallation({ environment })
  await Promise.all([installation.startServer(), installation.startWorker(), installation.startWorker()])
  const { id: repositoryId } = await hostedRepository(installation)
  const submit = (task: string) => submitWatched(installation, { repositoryId, task })
  return { installation, submit }
}

const untilWorking = (job: WatchedJob) =>
  expect.poll(() => job.seen.length, { timeout: 20_000 }).toBeGreaterThan(12)

const readiness = async ({ url }: Installation) => {
  const answer = await fetch(`${url}/readyz`)
  return { status: answer.status, body: (await answer.json()) as { degraded?: string[] } }
}

async function expectAllUnharmed(installation: Installation, jobs: WatchedJob[]): Promise<void> {
  for (const job of await expectSound(installation, jobs)) await expectUnharmed(installation, job)
}

describe('12: Redis as bus and queue', () => {
  let redis: TestServer
  let installation: Installation
  let submit: (task: string) => Promise<WatchedJob>
  beforeAll(async () => {
    redis = await startRedis()
    ;({ installation, submit } = await startWith({ REDIS_URL: redis.url, FLOWFORGE_QUEUE_URL: redis.url }))
  })
  afterAll(async () => {
    await installation.stop()
    await redis.close()
  })

  it('is flushed in the middle: nothing is lost, the next job is heard of', async () => {
    const jobs = await Promise.all([submit('[dummy: work 3]'), submit('[dummy: work 3]')])
    for (const job of jobs) await untilWorking(job)
    await flush(redis)
    jobs.push(await submit('Right after the flush'))
    await expectAllUnharmed(installation, jobs)
  })

  it('is away: jobs are taken and run all the same, watchers miss nothing, and readiness names it', async () => {
    const running = await submit('[dummy: work 4]')
    await untilWorking(running)
    await redis.stop()
    const away = performance.now()
    const submitted = await submit('While Redis is away')
    await installation.untilEvent(submitted.job, 'job.started')
    measured('12 · from a submission to its start while Redis is away', away)
    await expect
      .poll(() => readiness(installation), { timeout: 15_000 })
      .toMatchObject({
        status: 200,
        body: { degraded: [expect.anything(), expect.anything()] },
      })
    await expectAllUnharmed(installation, [running, submitted])
    await redis.start()
    const back = performance.now()
    await expect
      .poll(async () => (await readiness(installation)).body.degraded ?? [], { timeout: 20_000 })
      .toEqual([])
    measured('12 · connected again after Redis is back', back)
    await expectAllUnharmed(installation, [await submit('With Redis again')])
  })
})

const flush = async ({ url }: TestServer): Promise<void> => {
  const client = new Redis(url)
  await client.flushall()
  client.disconnect()
}

describe('13: RabbitMQ as queue', () => {
  let rabbit: TestServer
  let installation: Installation
  let submit: (task: string) => Promise<WatchedJob>
  beforeAll(async () => {
    rabbit = await startRabbit()
    ;({ installation, submit } = await startWith({ FLOWFORGE_QUEUE_URL: rabbit.url }))
  })
  afterAll(async () => {
    await installation.stop()
    await rabbit.close()
  })

  it('is killed and started again in the middle: what was submitted meanwhile runs, once', async () => {
    const running = await submit('[dummy: work 4]')
    await untilWorking(running)
    await rabbit.stop('SIGKILL')
    const away = performance.now()
    const meanwhile = await Promise.all([submit('One while it is away'), submit('Another')])
    for (const job of meanwhile) await installation.untilEvent(job.job, 'job.started')
    measured('13 · from a submission to its start while RabbitMQ is away', away)
    await rabbit.start()
    const after = await Promise.all(
      Array.from({ length: 6 }, (_, index) => submit(`After it is back ${index}`)),
    )
    await expectAllUnharmed(installation, [running, ...meanwhile, ...after])
  })

  it('a message comes twice, another is lost: each job is claimed, and once', async () => {
    const { postgres } = installation
    await postgres.query(`
      create function lose_ring() returns trigger language plpgsql as $$ begin
        if (select task from jobs where id = new.job_id) = 'Its ring is lost' then return null; end if;
        insert into outbox (job_id, organization_id, due_at) select new.job_id, new.organization_id, now()
          where pg_trigger_depth() = 1;
        return new;
      end $$;
      create trigger lose_ring before insert on outbox for each row execute function lose_ring()`)
    const rungTwice = await Promise.all(
      Array.from({ length: 6 }, (_, index) => submit(`[dummy: work 0.${index}]`)),
    )
    const lost = await submit('Its ring is lost')
    const submitted = performance.now()
    await installation.untilEvent(lost.job, 'job.started')
    measured('13 · from a submission to its start when its message is lost', submitted)
    await expectAllUnharmed(installation, [...rungTwice, lost])
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../http/testing-server.ts'
import { startRabbit, startRedis } from '../queue/testing-servers.ts'
import { createTestDatabase } from '../store/testing.ts'
import { apiOf, dataFolder, hasPostgres, isReady, run, urlOf } from './testing-processes.ts'

const KEY = `ffk_${'b'.repeat(40)}`

test('server and worker speak through Redis, do jobs while it is away, and also start without it', async () => {
  const redis = await startRedis()
  onTestFinished(redis.close)
  const database = await createTestDatabase()
  onTestFinished(database.close)
  const [directory, port] = [await dataFolder(), await freePort()]
  const environment = {
    FLOWFORGE_DATA_DIR: directory,
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_BOOTSTRAP_TOKEN: KEY,
    FLOWFORGE_QUEUE_URL: redis.url,
    REDIS_URL: redis.url,
    DATABASE_URL: urlOf(database.superuserConfig),
  }
  const [server, worker] = [run('server', environment), run('worker', environment)]
  await Promise.all([isReady(server), isReady(worker)])
  const api = apiOf(port, KEY)
  const repository = await api.addRepository()
  await api.reaches(await api.submit(repository, '[dummy: flood 50]'), 'succeeded')
  const system = async () => (await api.ask('/system')).body
  expect(await system()).toMatchObject({ queue: { kind: 'redis' }, bus: { kind: 'redis' }, degraded: [] })

  await redis.stop()
  await api.reaches(await api.submit(repository, 'Do something.'), 'succeeded')
  await expect.poll(async () => (await system()).degraded, { timeout: 20_000 }).toHaveLength(2)
  const { checks } = (await api.ask('/doctor')).body
  for (const name of ['broker', 'bus'])
    expect(checks).toContainEqual(expect.objectContaining({ name, status: 'problem' }))

  expect(await worker.end()).toBe(0)
  const next = run('worker', environment)
  await isReady(next)
  expect(next.stderr()).toMatch(/Redis at 127\.0\.0\.1:\d+ is away, and FlowForge starts without it/)
  await api.reaches(await api.submit(repository, 'Do something.'), 'succeeded')

  await redis.start()
  await expect.poll(async () => (await system()).degraded, { timeout: 20_000 }).toEqual([])
  await api.reaches(await api.submit(repository, 'Do something.'), 'succeeded')
  expect([await next.end(), await server.end()]).toEqual([0, 0])
}, 120_000)

test('all in one process does jobs that RabbitMQ rings for', async () => {
  const rabbit = await startRabbit()
  onTestFinished(rabbit.close)
  const [directory, port] = [await dataFolder(), await freePort()]
  const all = run('all-in-one', {
    FLOWFORGE_DATA_DIR: directory,
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_QUEUE_URL: rabbit.url,
  })
  await isReady(all)
  const api = apiOf(port, readFileSync(join(directory, 'cli-token'), 'utf8').trim())
  const repository = await api.addRepository()
  for (let n = 0; n < 3; n += 1) await api.reaches(await api.submit(repository, 'Do something.'), 'succeeded')
  const { checks } = (await api.ask('/doctor')).body
  expect(checks).toContainEqual(
    expect.objectContaining({
      name: 'broker',
      status: 'ok',
      summary: expect.stringMatching(/^RabbitMQ at 127\.0\.0\.1:\d+ \(0 waiting, 1 listening\)/),
    }),
  )
  expect(await all.end()).toBe(0)
}, 120_000)

test.each([
  ['FLOWFORGE_QUEUE_URL', 'amqp://me:hunter2@127.0.0.1:1'],
  ['FLOWFORGE_QUEUE_URL', 'redis://me:hunter2@127.0.0.1:1'],
  ['REDIS_URL', 'redis://me:hunter2@127.0.0.1:1'],
])('%s without a server there is told in one sentence: %s', async (variable, url) => {
  const directory = await dataFolder()
  const started = run('all-in-one', { FLOWFORGE_DATA_DIR: directory, [variable]: url })
  expect(await started.exited).toBe(1)
  expect(started.stderr()).toMatch(
    new RegExp(
      `^flowforge: (RabbitMQ|Redis) at 127\\.0\\.0\\.1:1 can not be reached: .*ECONNREFUSED.* ${variable}\\.$`,
      'm',
    ),
  )
  expect(started.stderr()).not.toMatch(/ {4}at |hunter2/)
  expect(hasPostgres(directory)).toBe(false)
})

import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../http/testing-server.ts'
import { createTestDatabase } from '../store/testing.ts'
import { apiOf, dataFolder, hasPostgres, isReady, run, urlOf } from './testing-processes.ts'

describe('all in one process', () => {
  test('does a job, stops on SIGTERM with nothing left, and survives being killed in the middle of the next', async () => {
    const [directory, port] = [await dataFolder(), await freePort()]
    const environment = { FLOWFORGE_DATA_DIR: directory, FLOWFORGE_PORT: String(port) }
    const first = run('all-in-one', environment)
    await isReady(first)
    expect(first.stdout()).toMatch(/sign-up#token=\S+/)
    const token = join(directory, 'cli-token')
    const key = readFileSync(token, 'utf8').trim()
    for (const file of [token, join(directory, 'master-key')]) expect(statSync(file).mode & 0o777).toBe(0o600)
    const api = apiOf(port, key)
    const repository = await api.addRepository()
    const done = await api.submit(repository, 'Do something.')
    await api.reaches(done, 'succeeded')
    expect(hasPostgres(directory)).toBe(true)
    expect(await first.end()).toBe(0)
    expect(hasPostgres(directory)).toBe(false)

    const second = run('all-in-one', environment)
    await isReady(second)
    expect(second.stdout()).not.toContain('sign-up')
    expect(readFileSync(token, 'utf8').trim()).toBe(key)
    await api.reaches(done, 'succeeded')
    const id = await api.submit(repository, '[dummy: linger]')
    await api.reaches(id, 'running')
    await second.end('SIGKILL')

    const third = run('all-in-one', environment)
    await isReady(third)
    const attempt = async () => (await api.ask(`/jobs/${id}`)).body.attempt
    await expect.poll(attempt, { timeout: 20_000 }).toBe(2)
    await api.ask(`/jobs/${id}/cancel`, {})
    await api.reaches(id, 'cancelled')
    const { body } = await api.ask(`/jobs/${id}/events`)
    expect(body.data.map((event: { type: string }) => event.type)).toContain('attempt.lost')
    expect(await third.end('SIGINT')).toBe(0)
  })

  test('says whose port is taken, and leaves no Postgres behind', async () => {
    const directory = await dataFolder()
    const port = await freePort()
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    const started = run('all-in-one', { FLOWFORGE_DATA_DIR: directory, FLOWFORGE_PORT: String(port) })
    expect(await started.exited).toBe(1)
    expect(started.stderr()).toMatch(
      new RegExp(`^flowforge: Port ${port} on 127.0.0.1 is in use.*FLOWFORGE_PORT`, 'm'),
    )
    expect(started.stderr()).not.toContain('    at ')
    expect(hasPostgres(directory)).toBe(false)
    other.close()
  })

  test.each<[string, Record<string, string>, number, RegExp]>([
    ['a bad port', { FLOWFORGE_PORT: 'http' }, 64, /FLOWFORGE_PORT/],
    [
      'a database that is not there',
      { DATABASE_URL: 'postgres://x:hunter2@127.0.0.1:1/x' },
      1,
      /DATABASE_URL/,
    ],
    ['a data folder that can not be', { FLOWFORGE_DATA_DIR: '/etc/passwd/x' }, 64, /FLOWFORGE_DATA_DIR/],
  ])('says in one sentence what is wrong with %s', async (_what, environment, code, sentence) => {
    const directory = await dataFolder()
    const started = run('all-in-one', { FLOWFORGE_DATA_DIR: directory, ...environment })
    expect([await started.exited, started.stderr()]).toEqual([code, expect.stringMatching(sentence)])
    expect(started.stderr()).not.toMatch(/ {4}at |hunter2/)
  })
})

test('server and worker as two processes on one database do a job', async () => {
  const database = await createTestDatabase()
  onTestFinished(database.close)
  const [directory, port, key] = [await dataFolder(), await freePort(), `ffk_${'k'.repeat(40)}`]
  const environment = {
    FLOWFORGE_DATA_DIR: directory,
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_BOOTSTRAP_TOKEN: key,
    DATABASE_URL: urlOf(database.superuserConfig),
  }
  // Both at once: of their migrations and first keys one makes each.
  const [server, worker] = [run('server', environment), run('worker', environment)]
  await Promise.all([isReady(server), isReady(worker)])
  const api = apiOf(port, key)
  const id = await api.submit(await api.addRepository(), '[dummy: flood 50]')
  await api.reaches(id, 'succeeded')
  expect((await api.ask('/workers')).body.data).toHaveLength(1)
  expect(await worker.end()).toBe(0)
  expect((await api.ask('/workers')).body.data).toHaveLength(0)
  expect(await server.end()).toBe(0)
})

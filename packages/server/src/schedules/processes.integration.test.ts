// Schedules with real processes: a due time makes one job, whoever dies while it is dealt with.
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { apiOf, dataFolder, isReady, run, urlOf } from '../bin/testing-processes.ts'
import { freePort } from '../http/testing-server.ts'
import { createTestDatabase } from '../store/testing.ts'

const SCHEDULES = 20
const ROUNDS = 3

test('workers that are killed while they deal with due times leave one job for each of them', {
  timeout: 120_000,
}, async () => {
  const database = await createTestDatabase()
  onTestFinished(database.close)
  const [directory, port, key] = [await dataFolder(), await freePort(), `ffk_${'s'.repeat(40)}`]
  const environment = {
    FLOWFORGE_DATA_DIR: directory,
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_BOOTSTRAP_TOKEN: key,
    FLOWFORGE_LEASE_SECONDS: '5',
    DATABASE_URL: urlOf(database.superuserConfig),
  }
  const startWorker = async () => {
    const worker = run('worker', environment)
    await isReady(worker)
    return worker
  }
  const server = run('server', environment)
  await isReady(server)
  const workers = [await startWorker(), await startWorker()]
  const api = apiOf(port, key)
  const repositoryId = await api.addRepository()
  for (let n = 0; n < SCHEDULES; n += 1) {
    const schedule = {
      name: `s${n}`,
      repositoryId,
      cron: '@yearly',
      overlap: 'queue',
      job: { task: 'Do it.' },
    }
    expect((await api.ask('/schedules', schedule)).status).toBe(201)
  }

  const admin = new pg.Client(database.superuserConfig)
  await admin.connect()
  onTestFinished(() => admin.end())
  const count = async (table: string): Promise<number> =>
    (await admin.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n
  for (let round = 1; round <= ROUNDS; round += 1) {
    await admin.query(`update schedules set next_run_at = now() - interval '${round} seconds'`)
    await expect
      .poll(() => count('schedule_runs'), { interval: 5, timeout: 20_000 })
      .toBeGreaterThan((round - 1) * SCHEDULES)
    // The one that leads: it was there first.
    await workers.shift()!.end('SIGKILL')
    workers.push(await startWorker())
    await expect.poll(() => count('schedule_runs'), { timeout: 30_000 }).toBe(round * SCHEDULES)
  }
  const { rows } = await admin.query<{ jobs: number; due: number }>(`
    select count(distinct j.id)::int as jobs, count(distinct r.due_at)::int as due
    from schedules s join jobs j on j.schedule_id = s.id join schedule_runs r on r.job_id = j.id
    group by s.id`)
  expect(rows).toEqual(Array.from({ length: SCHEDULES }, () => ({ jobs: ROUNDS, due: ROUNDS })))
  expect(await count('jobs')).toBe(ROUNDS * SCHEDULES)
  for (const worker of workers) expect(await worker.end()).toBe(0)
  expect(await server.end()).toBe(0)
})

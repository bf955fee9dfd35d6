// Each unhealthy state, made for real, and what the doctor says to it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sql, { raw } from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import { finishBackup, insertBackup } from '../store/backups.ts'
import { createLeaderLock, SWEEPER_LOCK } from '../store/leader-lock.ts'
import { registerWorker } from '../store/workers.ts'
import { checkBackups } from './backups.ts'
import { checkClock } from './clock.ts'
import { checkContainers } from './containers.ts'
import { checkDisks } from './disk.ts'
import { checkLeases, checkSweeper } from './leases.ts'
import { checkQueue } from './queue.ts'
import { checkVersions } from './versions.ts'

const LEASE_SECONDS = 30

let scene: Scene
beforeEach(async () => {
  scene = await createScene()
})
afterEach(() => scene.close())

const change = (text: string): Promise<number> =>
  scene.database.acrossOrganizations(tx => tx.run(sql`${raw(text)}`))

const worker = (concurrency: number, id: string = scene.claimer.workerId): Promise<number> =>
  scene.database.acrossOrganizations(tx =>
    registerWorker(tx, { id, version: '1', executor: 'dummy', host: 'h', pid: 1, concurrency, facts: {} }),
  )

describe('the queue', () => {
  const check = () => checkQueue(scene.database, LEASE_SECONDS)

  test('without a worker is a problem', async () => {
    await scene.submit()
    expect(await check()).toMatchObject({
      status: 'problem',
      summary: 'No worker claims jobs; 1 waits.',
      next: expect.stringContaining('flowforge up'),
    })
  })

  test('that a worker leaves alone although it has room is a problem', async () => {
    await worker(2)
    await scene.submit()
    expect(await check()).toMatchObject({ status: 'ok', summary: expect.stringContaining('about to take') })
    await change("update jobs set queued_at = now() - interval '5 minutes'")
    expect(await check()).toMatchObject({
      status: 'problem',
      summary: 'A job waits for 5 min, though 2 places are free.',
    })
  })

  test('that is longer than the workers can do for long wants more of them', async () => {
    await worker(1)
    await scene.submit()
    await scene.claim()
    await scene.submit()
    await change("update jobs set queued_at = now() - interval '20 minutes' where state = 'queued'")
    expect(await check()).toMatchObject({
      status: 'warning',
      summary: expect.stringContaining('all 1 places are taken'),
      next: expect.stringContaining('FLOWFORGE_CONCURRENCY'),
    })
  })

  test.each([
    ['its branch', async () => void (await scene.submit({ branch: 'same' })), /another job is on its branch/],
    [
      'its repository',
      () => change('update repositories set max_running = 1'),
      /its repository may have 1 job running/,
    ],
    [
      'its organization',
      () => change(`insert into organization_limits values ('${scene.tenant.organizationId}', 1)`),
      /its organization may have 1 job running/,
    ],
  ])('says that the oldest job is held back by %s, which is as it should be', async (_what, hold, reason) => {
    await worker(5)
    await scene.submit({ branch: 'same' })
    await scene.claim()
    await hold()
    await scene.submit()
    await change("update jobs set queued_at = now() - interval '1 hour' where state = 'queued'")
    expect(await check()).toMatchObject({ status: 'ok', summary: expect.stringMatching(reason) })
  })

  test('tells those that are tried again later apart', async () => {
    await worker(1)
    await scene.submit()
    await change(
      "update jobs set not_before = now() + interval '1 hour', queued_at = now() - interval '1 hour'",
    )
    expect(await check()).toMatchObject({
      status: 'ok',
      summary: expect.stringContaining('1 of the queued are tried again later'),
    })
  })
})

describe('leases', () => {
  const check = () => checkLeases(scene.database, LEASE_SECONDS)

  test('are well in the hands of a worker that lives', async () => {
    await worker(1)
    await scene.submit()
    await scene.claim()
    expect(await check()).toMatchObject({ status: 'ok', summary: expect.stringContaining('1 attempt') })
  })

  test('of a worker that fell silent are told', async () => {
    await worker(1)
    await scene.submit()
    await scene.claim()
    await change("update workers set heartbeat_at = now() - interval '2 minutes'")
    expect(await check()).toMatchObject({
      status: 'warning',
      summary: expect.stringContaining('fell silent'),
    })
  })

  test('that are long over, and that nobody recovers, are a problem', async () => {
    await scene.submit()
    await scene.claim()
    await change("update attempts set lease_expires_at = now() - interval '1 hour'")
    expect(await check()).toMatchObject({ status: 'problem', summary: expect.stringContaining('1 attempt') })
  })
})

test('nobody who sweeps is a problem; one who does is well', async () => {
  const check = () => checkSweeper(scene.database, LEASE_SECONDS)
  expect(await check()).toMatchObject({ status: 'problem', next: expect.stringContaining('Start a worker') })
  const lock = createLeaderLock(scene.test.appConfig, { key: SWEEPER_LOCK, silenceMs: 30_000 })
  onTestFinished(lock.release)
  await lock.hold()
  expect(await check()).toMatchObject({ status: 'ok' })
})

describe('containers', () => {
  const executorWith = (attemptIds: string[]) => ({
    ...stillExecutor,
    list: async () =>
      attemptIds.map(attemptId => ({
        executor: 'docker',
        id: attemptId,
        attemptId,
        phase: 'agent' as const,
      })),
  })

  test('without an attempt are told, and attempts without a container', async () => {
    await scene.submit()
    const [claim] = await scene.claim()
    const { id } = claim!.attempt
    const check = (attemptIds: string[]) =>
      checkContainers(scene.database, executorWith(attemptIds), LEASE_SECONDS)
    expect(await check([id])).toMatchObject({ status: 'ok', summary: '1 container, each with its attempt.' })
    expect(await check([id, uuidv7()])).toMatchObject({
      status: 'warning',
      summary: '1 container without an attempt.',
    })
    await change(
      `update attempts set started_at = now() - interval '5 minutes', containers = '{"agent": {}}'`,
    )
    expect(await check([])).toMatchObject({
      status: 'warning',
      summary: expect.stringContaining('1 attempt without a container'),
    })
  })
})

test.skipIf(process.getuid?.() !== 0)('a disk that is nearly full is a problem', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ffd-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', directory])
  onTestFinished(() => {
    execFileSync('umount', [directory])
    rmdirSync(directory)
  })
  expect(await checkDisks(scene.database, [{ what: 'the data folder', directory }])).toMatchObject({
    status: 'problem',
    summary: `0.1 GiB free for the data folder (${directory}).`,
  })
  const roomy = { warningBytes: 1, problemBytes: 1 }
  expect(await checkDisks(scene.database, [{ what: 'it', directory }], roomy)).toMatchObject({
    status: 'ok',
    summary: expect.stringMatching(/The database has \d/),
  })
})

test('a clock that is ten minutes off is told', async () => {
  expect(await checkClock(scene.database)).toMatchObject({ status: 'ok' })
  for (const minutes of [10, -10])
    expect(await checkClock(scene.database, () => Date.now() + minutes * 60_000)).toMatchObject({
      status: 'warning',
      summary: expect.stringContaining('10 min'),
    })
})

describe('versions', () => {
  const check = (gitVersion = '2.39.5') =>
    checkVersions(scene.database, {
      version: '1',
      leaseSeconds: LEASE_SECONDS,
      gitVersion: async () => gitVersion,
    })

  test('that are mixed are told, with who has which', async () => {
    await worker(1)
    expect(await check()).toMatchObject({ status: 'ok' })
    await change("update workers set version = '0', schema_level = null")
    expect(await check()).toMatchObject({
      status: 'warning',
      summary: expect.stringContaining('h/1 has 0 (database not told)'),
    })
  })

  test('that can not take over from each other are a problem', async () => {
    await worker(1)
    await change('update workers set protocol_version = 99')
    expect(await check()).toMatchObject({ status: 'problem', next: 'Upgrade these workers.' })
  })

  test('of Git that are too old, or none, are a problem', async () => {
    expect(await check('2.30.2')).toMatchObject({ status: 'problem', summary: 'Git 2.30.2 is too old.' })
    expect(
      await checkVersions(scene.database, {
        version: '1',
        leaseSeconds: LEASE_SECONDS,
        gitVersion: () => Promise.reject(new Error('ENOENT')),
      }),
    ).toMatchObject({ status: 'problem', summary: 'Git is missing.' })
  })
})

describe('backups', () => {
  const plan = { where: '/backups', schedule: '0 3 * * *' }
  const record = async (end: { sizeBytes: number } | { problem: string }, age: string) => {
    const id = uuidv7()
    await scene.database.acrossOrganizations(async tx => {
      await insertBackup(tx, { id, destination: '/backups', name: 'b', scheduled: true })
      await finishBackup(tx, id, end)
      await tx.run(sql`update backups set started_at = now() - ${age}::interval where id = ${id}`)
    })
  }

  test('are missed where hosted repositories have no other copy', async () => {
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`insert into installation (id) values (${uuidv7()}) on conflict do nothing`),
    )
    expect(await checkBackups(scene.database, null)).toMatchObject({
      status: 'warning',
      summary: '1 hosted repository has no other copy, and there is no backup.',
    })
    await record({ sizeBytes: 1 }, '1 hour')
    expect(await checkBackups(scene.database, null)).toMatchObject({ status: 'ok' })
  })

  test('that are older than two intervals, or failed, are a problem', async () => {
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`insert into installation (id) values (${uuidv7()}) on conflict do nothing`),
    )
    expect(await checkBackups(scene.database, plan)).toMatchObject({ status: 'ok' })
    await record({ sizeBytes: 1 }, '3 days')
    expect(await checkBackups(scene.database, plan)).toMatchObject({
      status: 'problem',
      summary: expect.stringContaining('more than two intervals'),
    })
    await record({ sizeBytes: 1 }, '10 hours')
    expect(await checkBackups(scene.database, plan)).toMatchObject({ status: 'ok' })
    await record({ problem: 'disk_full: No space is left.' }, '1 minute')
    expect(await checkBackups(scene.database, plan)).toMatchObject({
      status: 'problem',
      summary: expect.stringContaining('disk_full: No space is left.'),
    })
  })
})

/** Shows what it is told to; starts nothing. */
const stillExecutor = {
  name: 'docker' as const,
  outlivesWorker: true,
  keepsWorkspaces: false,
  halt: async () => {},
  start: async () => Promise.reject(new Error('not here')),
  stop: async () => {},
  inspect: async () => ({ state: 'gone' as const }),
  exited: async () => ({ state: 'gone' as const }),
  sweep: async () => {},
  logs: async () => '',
  check: async () => ({ ok: true, facts: { isolationLevel: 'none' as const }, problems: [] }),
}

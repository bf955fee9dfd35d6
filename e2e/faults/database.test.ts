// Postgres goes away, comes back, is replaced by its standby, or falls silent without closing a connection.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostedRepository } from '../repositories.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched } from './invariants.ts'
import type { Postgres } from './postgres.ts'
import { createInstallation, type Installation } from './processes.ts'
import { startWire, type Wire } from './wire.ts'

const BACK_WITHIN_MS = 30_000

let installation: Installation
let standby: Postgres
/** What a virtual address is to a team's servers: it leads to the primary of the time. */
let serverWire: Wire
let workerWire: Wire
let repositoryId: string
let cookie: string
beforeAll(async () => {
  installation = await createInstallation({
    prepare: async (postgres, directory) => {
      await postgres.end('SIGINT')
      standby = await postgres.makeStandby(join(directory, 'standby'))
      await postgres.start()
      await standby.start()
    },
  })
  const { postgres } = installation
  serverWire = await startWire({ path: postgres.socketPath })
  workerWire = await startWire({ path: postgres.socketPath })
  await installation.startServer({ DATABASE_URL: postgres.url(serverWire.port) })
  await installation.startWorker({ DATABASE_URL: postgres.url(workerWire.port) })
  repositoryId = (await hostedRepository(installation)).id
  cookie = await signIn()
  expect(await ask('/api/v1/jobs', { headers: { cookie } })).toMatchObject({ status: 200 })
})
afterAll(async () => {
  await standby.end('SIGINT')
  await installation.stop()
  await serverWire.close()
  await workerWire.close()
})

const ask = async (path: string, init: RequestInit = {}) => {
  const { url, token } = installation
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(url + path, { headers, ...init })
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() }
}

async function signIn(): Promise<string> {
  const { url, token } = installation
  const answer = await fetch(`${url}/api/auth/sign-in/api-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ key: token }),
  })
  return answer.headers
    .getSetCookie()
    .map(one => one.split(';')[0])
    .join('; ')
}

/** Reads and writes are refused in words, and readiness says so to load balancers. */
async function expectUnavailable(): Promise<void> {
  const refused = { status: 503, retryAfter: expect.stringMatching(/^\d+$/) }
  expect(await ask('/api/v1/jobs')).toMatchObject({ ...refused, body: { code: 'database_unavailable' } })
  const body = JSON.stringify({ repositoryId, task: 'Refused' })
  expect(await ask('/api/v1/jobs', { method: 'POST', body })).toMatchObject(refused)
  expect(await ask('/readyz')).toMatchObject(refused)
  // People at the console, who have a session and no key.
  expect(await ask('/api/v1/jobs', { headers: { cookie } })).toMatchObject(refused)
  expect(await ask('/api/auth/get-session', { headers: { cookie } })).toMatchObject(refused)
  expect(await ask('/healthz')).toMatchObject({ status: 200 })
}

async function untilBack(what: string, since: number): Promise<void> {
  await expect
    .poll(async () => (await ask('/readyz')).status, { timeout: BACK_WITHIN_MS, interval: 50 })
    .toBe(200)
  expect(measured(`${what} · requests are answered again`, since)).toBeLessThan(BACK_WITHIN_MS)
}

describe('10: Postgres is restarted', () => {
  it.each([
    'SIGINT',
    'SIGKILL',
  ] as const)('with %s in the middle of a job: 503 with Retry-After, back at once, nothing lost', async signal => {
    const { postgres } = installation
    const job = await submitWatched(installation, { repositoryId, task: '[dummy: work 4]' })
    await expect.poll(() => job.seen.length).toBeGreaterThan(10)
    await postgres.end(signal)
    await expectUnavailable()
    await postgres.start()
    const started = performance.now()
    await untilBack(`10 · ${signal}`, started)
    // Submitted into the restarted one; it must not wait for the other.
    const next = await submitWatched(installation, { repositoryId, task: 'Right after' })
    for (const ended of await expectSound(installation, [job, next]))
      await expectUnharmed(installation, ended)
  })
})

describe('11: a connection that leads nowhere', () => {
  it('of the server: noticed without a word from the other end, watchers catch up', async () => {
    const job = await submitWatched(installation, { repositoryId, task: '[dummy: work 18]' })
    await expect.poll(() => job.seen.length).toBeGreaterThan(10)
    serverWire.silence()
    const silent = performance.now()
    await expect.poll(async () => (await ask('/readyz')).status, { timeout: BACK_WITHIN_MS }).toBe(503)
    measured('11 · a silent connection is noticed', silent)
    const before = job.seen.length
    serverWire.restore()
    const restored = performance.now()
    await untilBack('11', restored)
    await expect.poll(() => job.seen.length, { timeout: BACK_WITHIN_MS }).toBeGreaterThan(before)
    measured('11 · watchers have caught up', restored)
    const [ended] = await expectSound(installation, [job])
    await expectUnharmed(installation, ended!)
  })
})

describe('10: failover to the standby', () => {
  it('503 while nobody can write, back when it is promoted, nothing that was acknowledged is lost', async () => {
    const { postgres } = installation
    const job = await submitWatched(installation, { repositoryId, task: '[dummy: work 5]' })
    await expect.poll(() => job.seen.length).toBeGreaterThan(10)
    const acknowledged = [...job.seen]
    await postgres.end('SIGKILL')
    // The address moves before the standby is promoted: an open connection, and each new one, leads to a server that only reads.
    for (const wire of [serverWire, workerWire]) {
      wire.leadTo({ path: standby.socketPath })
      wire.cut()
    }
    await expectUnavailable()
    await standby.promote()
    const promoted = performance.now()
    await untilBack('10 · failover', promoted)
    installation.postgres = standby
    const next = await submitWatched(installation, { repositoryId, task: 'On the new primary' })
    for (const ended of await expectSound(installation, [job, next]))
      await expectUnharmed(installation, ended)
    expect((await installation.events(job.job)).slice(0, acknowledged.length)).toEqual(acknowledged)
  })
})

// What happens to jobs, requests and watchers when processes are told to end.
import { once } from 'node:events'
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { freePort } from '../http/testing-server.ts'
import { createTestDatabase } from '../store/testing.ts'
import { apiOf, dataFolder, isReady, type Running, run, urlOf } from './testing-processes.ts'

const KEY = `ffk_${'d'.repeat(40)}`
const LEASE_SECONDS = 5
/** Other tests run beside this one. */
const PATIENT = { timeout: 20_000 }

const installation = async () => {
  const database = await createTestDatabase()
  onTestFinished(database.close)
  const port = await freePort()
  const environment = {
    FLOWFORGE_DATA_DIR: await dataFolder(),
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_BOOTSTRAP_TOKEN: KEY,
    FLOWFORGE_CONCURRENCY: '1',
    DATABASE_URL: urlOf(database.superuserConfig),
  }
  const server = run('server', environment)
  await isReady(server)
  const api = apiOf(port, KEY)
  const startWorker = async (more: Record<string, string> = {}): Promise<Running> => {
    const worker = run('worker', { ...environment, ...more })
    await isReady(worker)
    return worker
  }
  const worker = async () => (await api.ask('/workers')).body.data[0]
  const types = async (id: string): Promise<string[]> =>
    (await api.ask(`/jobs/${id}/events`)).body.data.map((event: { type: string }) => event.type)
  return { server, api, port, startWorker, worker, types, repository: await api.addRepository() }
}

test('a worker that is told to end claims nothing more, keeps its lease, and ends with its last job', async () => {
  const { api, startWorker, worker, types, repository } = await installation()
  const process = await startWorker({ FLOWFORGE_DRAIN_SECONDS: '60' })
  const running = await api.submit(repository, '[dummy: linger]')
  await api.reaches(running, 'running')
  const queued = await api.submit(repository, 'Do something.')
  const ended = process.end()
  await expect.poll(async () => (await worker()).draining, PATIENT).toBe(true)
  const { heartbeatAt } = await worker()
  const later = Date.parse(heartbeatAt) + 2 * LEASE_SECONDS * 1000
  await expect.poll(async () => Date.parse((await worker()).heartbeatAt), PATIENT).toBeGreaterThan(later)
  expect(await types(running)).not.toContain('attempt.lost')
  expect((await api.ask(`/jobs/${queued}`)).body.state).toBe('queued')
  await api.ask(`/jobs/${running}/cancel`, {})
  expect(await ended).toBe(0)
  expect((await api.ask('/workers')).body.data).toEqual([])
  await startWorker()
  await api.reaches(queued, 'succeeded')
})

test('what is not done within the limit goes back to the queue, and the process says so', async () => {
  const { api, startWorker, types, repository } = await installation()
  const first = await startWorker({ FLOWFORGE_DRAIN_SECONDS: '1' })
  const id = await api.submit(repository, '[dummy: linger]')
  await api.reaches(id, 'running')
  expect(await first.end()).toBe(0)
  expect(first.stdout()).toContain('1 unfinished job went back to the queue.')
  expect((await api.ask(`/jobs/${id}`)).body).toMatchObject({ state: 'queued' })
  await startWorker()
  await api.reaches(id, 'running')
  expect(await types(id)).not.toContain('attempt.lost')
  await api.ask(`/jobs/${id}/cancel`, {})
  await api.reaches(id, 'cancelled')
})

test('a second signal ends a process at once', async () => {
  const { api, startWorker, worker, repository } = await installation()
  const process = await startWorker({ FLOWFORGE_DRAIN_SECONDS: '600' })
  const id = await api.submit(repository, '[dummy: linger]')
  await api.reaches(id, 'running')
  process.child.kill('SIGTERM')
  await expect.poll(async () => (await worker()).draining, PATIENT).toBe(true)
  expect(await process.end('SIGTERM')).toBe(130)
})

test('a server that is told to end says so first, then ends streams with a hint, and finishes what is under way', async () => {
  const { api, server, port, startWorker, repository } = await installation()
  await startWorker()
  const id = await api.submit(repository, '[dummy: linger]')
  await api.reaches(id, 'running')
  const ready = () => fetch(`http://127.0.0.1:${port}/readyz`)
  expect((await ready()).status).toBe(200)
  const headers = { authorization: `Bearer ${KEY}` }
  const stream = await fetch(`http://127.0.0.1:${port}/api/v1/jobs/${id}/stream`, { headers })
  const told = stream.text()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, { headers })
  await once(socket, 'open')
  const closed = once(socket, 'close')
  // Half of a request: it is under way until the rest has come.
  const body = JSON.stringify({ name: 'late' })
  const slow = request({
    port,
    path: '/api/v1/repositories',
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  })
  slow.write(body.slice(0, 5))
  const answered = once(slow, 'response')

  const ended = server.end()
  const refused = async () => {
    const { status, headers } = await ready()
    return { status, retryAfter: headers.get('retry-after') }
  }
  await expect.poll(refused, PATIENT).toEqual({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) })
  // Until the balancer has heard it, requests are served, and connections are not kept.
  const served = await fetch(`http://127.0.0.1:${port}/api/v1/jobs/${id}`, { headers })
  expect([served.status, served.headers.get('connection')]).toEqual([200, 'close'])
  await refused()
  expect(await told).toMatch(/retry: 250\n: .*connect again/)
  expect((await closed)[0]).toBe(1012)
  slow.end(body.slice(5))
  expect((await answered)[0].statusCode).toBe(201)
  expect(await ended).toBe(0)
})

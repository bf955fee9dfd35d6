// What happens to jobs, requests and watchers when processes are told to end.
import { once } from 'node:events'
import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { freePort } from '../http/testing-server.ts'
import { createTestDatabase } from '../store/testing.ts'
import { apiOf, dataFolder, isReady, type Running, run, urlOf } from './testing-processes.ts'

const KEY = `ffk_${'d'.repeat(40)}`
/** Other tests run beside this one. */
const PATIENT = { timeout: 20_000 }

const installation = async (more: Record<string, string> = {}) => {
  const database = await createTestDatabase()
  onTestFinished(database.close)
  const port = await freePort()
  const environment = {
    FLOWFORGE_DATA_DIR: await dataFolder(),
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_BOOTSTRAP_TOKEN: KEY,
    FLOWFORGE_CONCURRENCY: '1',
    DATABASE_URL: urlOf(database.superuserConfig),
    ...more,
  }
  const server = run('server', environment)
  await isReady(server)
  const api = apiOf(port, KEY)
  const startWorker = async (): Promise<Running> => {
    const worker = run('worker', environment)
    await isReady(worker)
    return worker
  }
  const types = async (id: string): Promise<string[]> =>
    (await api.ask(`/jobs/${id}/events`)).body.data.map((event: { type: string }) => event.type)
  return { server, api, port, startWorker, types, repository: await api.addRepository() }
}

test('a worker that is told to end claims nothing more, hands over what runs, and says so', async () => {
  const { api, startWorker, types, repository } = await installation()
  const first = await startWorker()
  const running = await api.submit(repository, '[dummy: linger]')
  await api.reaches(running, 'running')
  await expect.poll(() => types(running), PATIENT).toContain('job.stage')
  const queued = await api.submit(repository, 'Do something.')
  expect(await first.end()).toBe(0)
  expect(first.stdout()).toMatch(
    /1 job goes on in its container: start FlowForge here again and it takes over/,
  )
  expect((await api.ask('/workers')).body.data).toEqual([])
  expect((await api.ask(`/jobs/${queued}`)).body.state).toBe('queued')

  await startWorker()
  await expect.poll(() => types(running), PATIENT).toContain('attempt.adopted')
  expect(await types(running)).not.toContain('attempt.lost')
  await api.ask(`/jobs/${running}/cancel`, {})
  await api.reaches(running, 'cancelled')
  await api.reaches(queued, 'succeeded')
})

test('a second signal ends a process at once', async () => {
  const { server, port } = await installation({ FLOWFORGE_DRAIN_SECONDS: '600' })
  // Never whole: the server would wait for its rest.
  const endless = request({
    port,
    path: '/api/v1/repositories',
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', 'content-length': 1000 },
  })
  endless.on('error', () => {})
  endless.write('{')
  const ready = () => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status)
  expect(await ready()).toBe(200)
  server.child.kill('SIGTERM')
  await expect.poll(ready, PATIENT).toBe(503)
  expect(await server.end('SIGTERM')).toBe(130)
})

test('a server that is told to end says so first, then ends streams with a hint, and finishes what is under way', async () => {
  const { api, server, port, repository } = await installation()
  const id = await api.submit(repository, 'Nobody does it.')
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

import { once } from 'node:events'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { FlowForgeError } from '../errors.ts'
import { cancel } from '../jobs/testing-engine.ts'
import { sealEndedJobs } from '../live/seal.ts'
import { startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
let away = false
beforeAll(async () => {
  server = await startTestServer({
    storage: found => ({
      ...found,
      get: async key => {
        if (away) throw new FlowForgeError('storage_unavailable', 'The bucket is away. Try again.')
        return found.get(key)
      },
    }),
  })
})
afterAll(() => server.close())

const endedJob = async (): Promise<string> => {
  const { id } = await server.scene.submit()
  const subject = { id, organization_id: server.scene.tenant.organizationId, attempt: 0 }
  const data = (n: number) => ({ stream: 'stdout' as const, text: `line ${n}: ${'ü🧵'.repeat(n % 7)}` })
  await server.scene.database.acrossOrganizations(tx =>
    server.scene.events.append(
      tx,
      subject,
      Array.from({ length: 700 }, (_, n) => ({ type: 'log' as const, data: data(n) })),
    ),
  )
  await cancel(server.scene, id)
  return id
}
const seal = () =>
  sealEndedJobs(
    { ...server.scene, log: pino({ level: 'silent' }) },
    { endedSeconds: 0, signal: new AbortController().signal },
  )
const connect = async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/live`, {
    headers: { authorization: `Bearer ${server.keys.first}` },
  })
  onTestFinished(() => socket.terminate())
  const got: string[] = []
  socket.on('message', data => got.push(String(data)))
  await once(socket, 'open')
  return { got, send: (message: object) => socket.send(JSON.stringify(message)) }
}
const overWebSocket = async (id: string, after: number) => {
  const live = await connect()
  live.send({ subscribe: id, after })
  await expect.poll(() => live.got.at(-1), { timeout: 5_000 }).toContain('"seq":703')
  return live.got
}

test('a sealed story is the same bytes over every way, from any cursor', async () => {
  const id = await endedJob()
  const path = `/api/v1/jobs/${id}`
  const everyWay = async () => {
    const answers = await Promise.all(
      ['events', 'events?after=350&limit=7', 'events?after=703', 'log', 'stream', 'stream?after=699'].map(
        rest => server.ask(`${path}/${rest}`).then(({ status, text }) => `${status} ${text}`),
      ),
    )
    const resumed = await server.ask(`${path}/stream`, { headers: { 'last-event-id': '701' } })
    return [...answers, resumed.text, await overWebSocket(id, 0), await overWebSocket(id, 702)]
  }
  const before = await everyWay()
  expect(await seal()).toBe(1)
  expect(await everyWay()).toEqual(before)
})

test('while the storage is away a sealed story answers 503 with a sentence, and all else goes on', async () => {
  const id = await endedJob()
  await seal()
  away = true
  onTestFinished(() => {
    away = false
  })
  for (const rest of ['events', 'log', 'stream'])
    expect(await server.ask(`/api/v1/jobs/${id}/${rest}`)).toMatchObject({
      status: 503,
      body: { code: 'storage_unavailable', detail: 'The bucket is away. Try again.' },
    })
  const live = await connect()
  live.send({ subscribe: id })
  await expect.poll(() => live.got.at(-1)).toContain('storage_unavailable')
  const { id: running } = await server.scene.submit()
  live.send({ subscribe: running })
  await expect.poll(() => live.got.at(-1)).toContain('"seq":2')
  expect((await server.ask(`/api/v1/jobs/${id}`)).status).toBe(200)
  expect((await server.ask(`/api/v1/jobs/${running}/events`)).status).toBe(200)
})

// Watchers that take nothing, or too slowly, or are gone without a word: what they cost the server, and that they miss
// nothing when they go on.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createBus } from '../../packages/server/src/live/bus.ts'
import { createEventLog } from '../../packages/server/src/live/event-log.ts'
import { createPostgresRelay } from '../../packages/server/src/live/postgres-relay.ts'
import { createDatabase } from '../../packages/server/src/store/database.ts'
import { createListener } from '../../packages/server/src/store/listener.ts'
import type { Program } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { measured } from './figures.ts'
import { createInstallation, type Installation } from './processes.ts'

let installation: Installation
let server: Program
let story: Awaited<ReturnType<typeof openStory>>
let repositoryId: string
beforeAll(async () => {
  installation = await createInstallation()
  server = await installation.startServer()
  story = await openStory(installation.postgres.url())
  repositoryId = (await hostedRepository(installation)).id
})
afterAll(async () => {
  await story.close()
  await installation.stop()
})

/** Writes as a worker does; there is none, so the job waits in the queue meanwhile. */
async function openStory(connectionString: string) {
  const connection = { connectionString, options: '-c role=flowforge_app' }
  const database = createDatabase(connection)
  const listener = await createListener(connection)
  const bus = createBus(createPostgresRelay({ listener, pool: database.pool }))
  const log = createEventLog(bus)
  return {
    write: (job: Job, texts: string[]) =>
      database.acrossOrganizations(tx =>
        log.append(
          tx,
          { id: job.id, organization_id: job.organizationId, attempt: 1 },
          texts.map(text => ({ type: 'log', data: { stream: 'stdout', text } })),
        ),
      ),
    say: (job: Job, text: string) =>
      bus.sendDelta({ jobId: job.id, organizationId: job.organizationId, attempt: 1, text }),
    close: async () => {
      await bus.close()
      await listener.close()
      await database.close()
    },
  }
}

interface Job {
  id: string
  organizationId: string
}
const newJob = (): Promise<Job> => installation.submit({ repositoryId, task: 'Be watched.' })

/** proc_pid_status(5). */
const residentMegabytes = (): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))![1]) / 1024

/** An SSE client made of a bare socket, which reads only when told. */
async function rawStream(job: Job, after = 0) {
  const { hostname, port } = new URL(installation.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  socket.write(
    `GET /api/v1/jobs/${job.id}/stream?after=${after} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${installation.token}\r\n\r\n`,
  )
  socket.pause()
  return socket
}
const seqsOn = (socket: Socket) => {
  const seqs: number[] = []
  let rest = ''
  socket.on('data', piece => {
    const lines = (rest + piece.toString('latin1')).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line.startsWith('id: ')) seqs.push(Number(line.slice(4)))
  })
  return seqs
}

async function liveSocket(subscribe: string) {
  const socket = new WebSocket(`${installation.url.replace('http', 'ws')}/api/v1/live`, {
    headers: { authorization: `Bearer ${installation.token}` },
  })
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  const seqs: number[] = []
  socket.on('message', data => {
    const { seq } = JSON.parse(String(data))
    if (seq !== undefined) seqs.push(seq)
  })
  socket.send(JSON.stringify({ subscribe, after: 0 }))
  return { socket, seqs }
}

const MEGABYTES = 100
const EVENTS = 200
const WATCHERS = 5
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

it('18: watchers that take nothing while 100 MB of events come cost a bounded amount, and then get all of them', async () => {
  const job = await newJob()
  const streams = await Promise.all(Array.from({ length: WATCHERS }, () => rawStream(job)))
  const sockets = await Promise.all(Array.from({ length: WATCHERS }, () => liveSocket(job.id)))
  const all = await Promise.all(Array.from({ length: WATCHERS }, () => liveSocket('*')))
  await expect.poll(() => sockets.every(({ seqs }) => seqs.length === 2)).toBe(true)
  for (const { socket } of [...sockets, ...all]) socket.pause()
  const healthy = await liveSocket(job.id)

  const before = residentMegabytes()
  let peak = before
  const text = 'x'.repeat((MEGABYTES * 1024 * 1024) / EVENTS)
  for (let written = 0; written < EVENTS; written += 1) {
    await story.write(job, [text])
    story.say(job, 'y'.repeat(5_000))
    peak = Math.max(peak, residentMegabytes())
  }
  await expect.poll(() => healthy.seqs.length, { timeout: 20_000 }).toBe(EVENTS + 2)
  console.info(`measured  18 · server ${before.toFixed(0)} MB before, ${peak.toFixed(0)} MB at most`)
  // Some pages of each, and what the garbage collector has not looked at yet: not the 1.5 GB that they have missed.
  expect(peak - before).toBeLessThan(200)

  const went = performance.now()
  const replayed = streams.map(seqsOn)
  for (const { socket } of [...sockets, ...all]) socket.resume()
  for (const stream of streams) stream.resume()
  const everybody = [...replayed, ...sockets.map(({ seqs }) => seqs)]
  await expect.poll(() => everybody.every(seqs => seqs.length >= EVENTS + 2), { timeout: 120_000 }).toBe(true)
  for (const seqs of everybody) expect(seqs).toEqual(upTo(EVENTS + 2))
  for (const { seqs } of all) await expect.poll(() => seqs.at(-1), { timeout: 60_000 }).toBe(EVENTS + 2)
  measured('18 · 15 watchers take the 100 MB that they had missed', went)

  const live = performance.now()
  await story.write(job, ['back with the others'])
  await expect.poll(() => everybody.every(seqs => seqs.at(-1) === EVENTS + 3), { timeout: 10_000 }).toBe(true)
  measured('18 · they are live again', live)
})

it('18: a peer that is gone without a word is let go within a minute', async () => {
  const job = await newJob()
  const watcher = await liveSocket(job.id)
  await expect.poll(() => watcher.seqs.length).toBe(2)
  // Reads nothing and answers no ping: what the server sees of a machine that lost its power.
  watcher.socket.pause()
  const silent = performance.now()
  const connections = async () =>
    readFileSync(`/proc/${server.pid}/net/tcp`, 'utf8')
      .split('\n')
      .filter(line => line.includes(peerPort(watcher.socket)) && / 01 /.test(line)).length
  expect(await connections()).toBeGreaterThan(0)
  await expect.poll(connections, { timeout: 65_000, interval: 500 }).toBe(0)
  expect(measured('18 · a dead peer is let go', silent)).toBeLessThan(60_000)
})

/** As the kernel writes it: hexadecimal. */
const peerPort = (socket: WebSocket): string => {
  const { localPort } = (socket as unknown as { _socket: Socket })._socket
  return `:${localPort!.toString(16).toUpperCase().padStart(4, '0')} `
}

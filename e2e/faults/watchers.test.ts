// 18: watchers that do not keep up, or are gone without a word: they cost the server no memory and nobody else any time, and
// get everything when they read again.
import { afterAll, beforeAll, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { Program } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { expectSound, submitWatched } from './invariants.ts'
import { memoryOf } from './process-table.ts'
import { createInstallation, type Installation } from './processes.ts'
import { startWire } from './wire.ts'

const LINES = 30_000
const SLOW_WATCHERS = 30
/** Were it all kept for each of them, it would be fifty times as much. */
const ALLOWED_GROWTH_MB = 150

let installation: Installation
let server: Program
let repositoryId: string
beforeAll(async () => {
  installation = await createInstallation()
  ;[server] = await Promise.all([installation.startServer(), installation.startWorker()])
  repositoryId = (await hostedRepository(installation)).id
})
afterAll(() => installation.stop())

interface Slow {
  seqs: number[]
  readOn(): void
  close(): void
}

/** Subscribes, and then reads nothing until it is told to. */
async function slowWatcher(jobId: string, port = Number(new URL(installation.url).port)): Promise<Slow> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, {
    headers: { authorization: `Bearer ${installation.token}` },
  })
  const seqs: number[] = []
  socket.on('message', data => {
    const { seq } = JSON.parse(String(data))
    if (typeof seq === 'number') seqs.push(seq)
  })
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('open', resolve))
  socket.send(JSON.stringify({ subscribe: jobId, after: 0 }))
  socket.pause()
  return { seqs, readOn: () => socket.resume(), close: () => socket.terminate() }
}

it('18: many slow and dead watchers of a flood', async () => {
  const job = await submitWatched(installation, { repositoryId, task: `[dummy: flood ${LINES}]` })
  const wire = await startWire({ host: '127.0.0.1', port: Number(new URL(installation.url).port) })
  const slow = await Promise.all(Array.from({ length: SLOW_WATCHERS }, () => slowWatcher(job.job.id)))
  const dead = await Promise.all(Array.from({ length: 5 }, () => slowWatcher(job.job.id, wire.port)))
  wire.silence()
  const { nowMb } = await memoryOf(server.pid)
  await expectSound(installation, [job])
  const { peakMb } = await memoryOf(server.pid)
  console.info(
    `measured  18 · the server with ${SLOW_WATCHERS} slow watchers: ${nowMb.toFixed(0)} MB, then ${peakMb.toFixed(0)} MB at most`,
  )
  expect(peakMb - nowMb).toBeLessThan(ALLOWED_GROWTH_MB)
  const all = job.seen.map(event => event.seq)
  expect(all.length).toBeGreaterThan(LINES)
  for (const watcher of slow) watcher.readOn()
  for (const watcher of slow.slice(0, 5)) {
    await expect.poll(() => watcher.seqs.length, { timeout: 60_000 }).toBe(all.length)
    expect(watcher.seqs).toEqual(all)
  }
  for (const watcher of [...slow, ...dead]) watcher.close()
  await wire.close()
})

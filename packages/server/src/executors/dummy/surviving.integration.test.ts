import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newAttemptId } from '../contract.ts'
import type { ContainerHandle, ContainerSpec } from '../port.ts'
import { createSurvivingDummyExecutor, type SurvivingDummy } from './surviving.ts'

let directory: string
let executors: SurvivingDummy[]
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ffd-'))
  executors = []
})
afterEach(async () => {
  const cleaner = executor()
  for (const handle of await cleaner.list()) await cleaner.stop(handle, { graceMs: 0 })
  for (const each of executors) await each.close()
  await rm(directory, { recursive: true })
})

const executor = (): SurvivingDummy => {
  const made = createSurvivingDummyExecutor({ directory })
  executors.push(made)
  return made
}
/** Waits for a gateway for ever: there is none. */
const spec = (): ContainerSpec => ({
  attemptId: newAttemptId(),
  phase: 'agent',
  image: 'dummy',
  environment: {},
  gateway: { kind: 'socket', directory },
  workspaceBytes: 1,
  memoryBytes: 1,
  cpus: 1,
})
const never = new AbortController().signal
const hosts = (): Promise<number[]> =>
  new Promise(resolve =>
    execFile('pgrep', ['-f', `host.ts ${directory}/dummy.sock`], (_, stdout) =>
      resolve(stdout.trim().split('\n').filter(Boolean).map(Number)),
    ),
  )

describe('a dummy container', () => {
  it('goes on when the worker that started it is killed, and another one finds and stops it', async () => {
    const lost = spawn(
      process.execPath,
      [path.join(import.meta.dirname, 'testing-worker.ts'), directory, JSON.stringify(spec())],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(lost.stdout, 'data')) as [Buffer]
    const handle = JSON.parse(line.toString()) as ContainerHandle
    lost.kill('SIGKILL')
    await once(lost, 'exit')
    const next = executor()
    expect(await next.list()).toEqual([handle])
    expect(await next.inspect(handle)).toEqual({ state: 'running' })
    const ended = next.exited(handle, never)
    await next.stop(handle, { graceMs: 1000 })
    expect((await ended).state).not.toBe('running')
    expect(await next.list()).toEqual([])
  })

  it('is one for all workers of a data folder, that start it at the same time', async () => {
    const wanted = spec()
    const handles = await Promise.all(Array.from({ length: 4 }, () => executor().start(wanted)))
    expect(new Set(handles.map(handle => handle.id)).size).toBe(1)
    await expect.poll(hosts).toHaveLength(1)
  })

  it('is gone when the process that plays it is killed, and a new one is started for the next', async () => {
    const mine = executor()
    const handle = await mine.start(spec())
    const ended = mine.exited(handle, never)
    process.kill((await hosts())[0]!, 'SIGKILL')
    expect(await ended).toEqual({ state: 'gone' })
    expect(await mine.inspect(await mine.start(spec()))).toEqual({ state: 'running' })
  })

  it('does what the mark in its task says', async () => {
    const heard: string[] = []
    const gateway = createServer((request, response) => {
      heard.push(request.url ?? '')
      if (request.url === '/runner/work-order') return response.end(JSON.stringify(order))
      response.writeHead(204).end()
    }).listen(path.join(directory, 'gateway.sock'))
    const mine = executor()
    const handle = await mine.start(spec())
    expect(await mine.exited(handle, never)).toEqual({ state: 'exited', exitCode: 7, oomKilled: false })
    expect(heard).toEqual(['/runner/work-order'])
    gateway.close()
    gateway.closeAllConnections()
  })
})

describe('the process that plays dummy containers', () => {
  it('ends with the last worker when no container is left', async () => {
    const mine = executor()
    const handle = await mine.start(spec())
    await mine.stop(handle, { graceMs: 0 })
    await mine.close()
    expect(await hosts()).toEqual([])
    await expect(access(path.join(directory, 'dummy.sock'))).rejects.toThrow()
  })

  it('ends when the data folder is removed under it', async () => {
    const mine = executor()
    await mine.start(spec())
    const [pid] = await hosts()
    await rm(path.join(directory, 'dummy.sock'))
    await expect
      .poll(() => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), { timeout: 5_000 })
      .toBe('')
  })
})

const order = {
  protocolVersion: 1,
  attemptId: 'a',
  jobId: 'j',
  git: {
    baseBranch: 'main',
    baseCommit: 'b',
    checkoutCommit: 'b',
    checkoutRef: 'refs/heads/main',
    branch: 'flowforge/1',
    author: { name: 'FlowForge', email: 'flowforge@example.org' },
  },
  setup: [],
  verify: [],
  commandTimeoutSeconds: 60,
  environment: {},
  egress: false,
  phase: 'agent',
  task: 'Do it. [dummy: exit 7]',
  verifyRounds: 0,
}

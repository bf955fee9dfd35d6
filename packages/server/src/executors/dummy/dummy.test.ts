import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { CONTAINER_ENVIRONMENT, GATEWAY_PATHS } from '@flowforge/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FlowForgeError } from '../../errors.ts'
import { type Act, describeExecutorContract, newAttemptId } from '../contract.ts'
import type { ContainerSpec } from '../port.ts'
import { behaviourFromTask, dummyBehaviour, readMark } from './behaviours.ts'
import { type Behaviour, createDummyExecutor } from './executor.ts'

const specOf = (changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
  attemptId: newAttemptId(),
  phase: 'agent',
  image: 'none',
  environment: {},
  gateway: { kind: 'socket', directory: '/nowhere' },
  workspaceBytes: 1,
  memoryBytes: 1,
  cpus: 1,
  ...changes,
})

const untilAborted = (signal: AbortSignal) =>
  new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))

const actOut =
  (act: Act): Behaviour =>
  async ({ spec, terminated, killed, print }) => {
    if (act.act === 'exit') return { exitCode: act.code }
    if (act.act === 'use-too-much-memory') return { exitCode: 137, oomKilled: true }
    if (act.act === 'print') print(act.text)
    if (act.act === 'print-variable') print(spec.environment[act.name] ?? '')
    if (act.act === 'ignore-term') print('ignoring')
    await untilAborted(act.act === 'ignore-term' ? killed : terminated)
    return { exitCode: 143 }
  }

describeExecutorContract('dummy', async () => {
  const executor = createDummyExecutor({
    behaviour: spec => actOut(JSON.parse(spec.command?.[0] ?? '')),
    startFailure: spec => (spec.image === 'missing' ? new FlowForgeError('image_unavailable') : undefined),
  })
  return {
    executor,
    otherWorker: executor,
    spec: act => specOf({ command: [JSON.stringify(act)] }),
    specWithoutImage: () => specOf({ image: 'missing' }),
  }
})

interface Heard {
  path: string
  token: string | undefined
  body: Record<string, unknown>
}

describe('a dummy behaviour on the gateway', () => {
  let folder: string
  let gateway: Server
  let heard: Heard[]
  let task: string
  const never = new AbortController().signal

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'flowforge-dummy-'))
    heard = []
    task = 'Do it.'
    let nonce: unknown
    gateway = createServer(async (request, response) => {
      const body = JSON.parse(await text(request))
      heard.push({ path: request.url ?? '', token: request.headers.authorization, body })
      const answer = (status: number, value?: unknown) =>
        response.writeHead(status).end(value && JSON.stringify(value))
      if (request.url === GATEWAY_PATHS.events) return answer(200, { acceptedThrough: 1 })
      if (request.url !== GATEWAY_PATHS.workOrder) return answer(204)
      nonce ??= body.nonce
      return nonce === body.nonce ? answer(200, order(task)) : answer(409, { code: 'nonce_mismatch' })
    })
    gateway.listen(path.join(folder, 'gateway.sock'))
    await once(gateway, 'listening')
  })
  afterEach(async () => {
    gateway.closeAllConnections()
    gateway.close()
    await rm(folder, { recursive: true })
  })

  const play = async (behaviour: Behaviour) => {
    const executor = createDummyExecutor({ behaviour: () => behaviour })
    const environment = { [CONTAINER_ENVIRONMENT.token]: 'the-token' }
    const handle = await executor.start(
      specOf({ gateway: { kind: 'socket', directory: folder }, environment }),
    )
    return { executor, handle }
  }
  const playToTheEnd = async (behaviour: Behaviour) => {
    const { executor, handle } = await play(behaviour)
    return executor.exited(handle, never)
  }
  const reported = () => heard.filter(request => request.path === GATEWAY_PATHS.events)

  it('succeeds as a runner does: order, events, settle, exit 0', async () => {
    expect(await playToTheEnd(behaviourFromTask)).toEqual({ state: 'exited', exitCode: 0, oomKilled: false })
    expect(heard.map(request => request.path)).toEqual([
      GATEWAY_PATHS.workOrder,
      GATEWAY_PATHS.events,
      GATEWAY_PATHS.settle,
    ])
    expect(heard.every(request => request.token === 'Bearer the-token')).toBe(true)
    expect(heard.at(-1)?.body).toMatchObject({ outcome: 'completed', verify: [{ command: 'make test' }] })
  })

  it('is chosen by a mark in the task', async () => {
    task = 'Do it. [dummy: exit 3]'
    expect(await playToTheEnd(behaviourFromTask)).toMatchObject({ exitCode: 3 })
  })

  it('floods in batches that a gateway takes', async () => {
    expect(await playToTheEnd(dummyBehaviour('flood', '1200'))).toMatchObject({ exitCode: 0 })
    expect(reported().map(({ body }) => [body.firstSourceSeq, (body.events as unknown[]).length])).toEqual([
      [1, 500],
      [501, 500],
      [1001, 200],
    ])
  })

  it('connects twice, and says how the second was answered', async () => {
    await playToTheEnd(dummyBehaviour('connect-twice'))
    expect(JSON.stringify(reported()[0]?.body)).toContain('the second nonce was answered 409')
  })

  it('dies at a stage', async () => {
    expect(await playToTheEnd(dummyBehaviour('die-at', 'setting_up'))).toMatchObject({ exitCode: 1 })
    const events = reported()[0]?.body.events as { data: { stage: string } }[]
    expect(events.map(event => event.data.stage)).toEqual(['cloning', 'setting_up'])
  })

  it('hangs until it is killed', async () => {
    const { executor, handle } = await play(dummyBehaviour('hang'))
    const ended = executor.exited(handle, never)
    await executor.stop(handle, { graceMs: 20 })
    expect(await ended).toMatchObject({ exitCode: 137 })
  })

  it('never connects', async () => {
    const { executor, handle } = await play(dummyBehaviour('never-connect'))
    const ended = executor.exited(handle, never)
    await executor.stop(handle, { graceMs: 1000 })
    expect(await ended).toMatchObject({ exitCode: 143 })
    expect(heard).toEqual([])
  })

  it('waits for a gateway that is not there yet', async () => {
    gateway.closeAllConnections()
    await new Promise(resolve => gateway.close(resolve))
    const { executor, handle } = await play(behaviourFromTask)
    gateway.listen(path.join(folder, 'gateway.sock'))
    expect(await executor.exited(handle, never)).toMatchObject({ exitCode: 0 })
  })
})

describe('the mark in a task', () => {
  it.each([
    ['Fix it', 'succeed', ''],
    ['[dummy: flood 1000] now', 'flood', '1000'],
    ['[dummy: exit:3]', 'exit', '3'],
    ['[dummy: constructor]', 'succeed', ''],
  ])('%s', (task, name, argument) => {
    expect(readMark(task)).toEqual({ name, argument })
  })
})

const order = (task: string) => ({
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
  verify: ['make test'],
  commandTimeoutSeconds: 60,
  environment: {},
  egress: false,
  phase: 'agent',
  task,
  verifyRounds: 0,
})

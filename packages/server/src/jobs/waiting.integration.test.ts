import type { EventType } from '@flowforge/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { deleteDoomedObjects } from '../live/doomed-objects.ts'
import { listApprovals } from '../store/conversations.ts'
import { decideRequest } from './approve.ts'
import { cancelJob } from './cancel.ts'
import { interruptJob } from './interrupt.ts'
import { replyToJob } from './reply.ts'
import { retryJob } from './retry.ts'
import { createMachine, type EngineOptions, startEngine } from './testing-engine.ts'
import { createScene, type Scene } from './testing-scene.ts'
import { failOverdueWaits } from './wait-limit.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

const engine = async (options: EngineOptions = {}) => {
  const started = await startEngine(scene, options)
  onTestFinished(() => started.close())
  return started
}
const becomes = (id: string, wanted: Partial<Awaited<ReturnType<Scene['job']>>>) =>
  expect.poll(() => scene.job(id), { interval: 20, timeout: 10_000 }).toMatchObject(wanted)
const isParked = async (id: string) => {
  await expect.poll(() => scene.liveAttempt(id), { interval: 20, timeout: 10_000 }).toBeUndefined()
  await becomes(id, { state: 'waiting' })
}
const reply = (id: string, text: string) => replyToJob(scene, scene.tenant, id, { text })
const requests = (id: string) => scene.database.acrossOrganizations(tx => listApprovals(tx, id))
const typesOf = async (id: string): Promise<EventType[]> => (await scene.story(id)).map(({ type }) => type)
const messagesOf = async (id: string): Promise<string[]> =>
  (await scene.story(id)).flatMap(event => (event.type === 'claude.message' ? [event.data.text] : []))
const asking = async (mark = 'ask') => {
  const { id } = await scene.submit({ task: `[dummy: ${mark}]`, planFirst: mark === 'plan' })
  await becomes(id, { state: 'waiting' })
  return id
}

describe('a job that asks', () => {
  test('waits, goes on with the answer in the same container, and succeeds', async () => {
    await engine()
    const id = await asking()
    expect(await scene.job(id)).toMatchObject({ waiting_for: 'question', waiting_since: expect.any(Date) })
    await replyToJob(scene, scene.tenant, id, { answers: { colour: 'Blue' } })
    await becomes(id, { state: 'succeeded', attempt: 1, waiting_for: null, waiting_since: null })
    expect((await messagesOf(id))[0]).toContain('"answers":{"Which colour should it be?":"Blue"}')
    const order = (await typesOf(id)).filter(type =>
      /^(job\.(waiting|resumed|succeeded)|approval)/.test(type),
    )
    expect(order).toEqual([
      'approval.requested',
      'job.waiting',
      'approval.decided',
      'job.resumed',
      'job.succeeded',
    ])
  })

  test('takes no room of its worker, nor of its limits, but keeps its branch', async () => {
    await engine({ concurrency: 1 })
    const id = await asking()
    const { id: other } = await scene.submit()
    await becomes(other, { state: 'succeeded' })
    const { id: sameBranch } = await scene.submit({ branch: (await scene.job(id)).branch })
    const { id: later } = await scene.submit()
    await becomes(later, { state: 'succeeded' })
    expect((await scene.job(sameBranch)).state).toBe('queued')
    await reply(id, 'Blue')
    await becomes(sameBranch, { state: 'succeeded' })
  })

  test('has its time limit stand still', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: ask]', timeoutSeconds: 1 })
    await becomes(id, { state: 'waiting' })
    const since = (await scene.job(id)).waiting_since!.getTime()
    await expect.poll(() => Date.now() - since, { timeout: 5_000 }).toBeGreaterThan(1_200)
    expect((await scene.job(id)).state).toBe('waiting')
    await reply(id, 'Blue')
    await becomes(id, { state: 'succeeded' })
  })

  test('can be cancelled, and its container goes', async () => {
    const { executor } = await engine()
    const live = await asking()
    await cancelJob(scene, scene.tenant, live)
    await becomes(live, { state: 'cancelled' })
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
  })

  test('ends as interrupted when somebody interrupts it, and needs no answer then', async () => {
    await engine()
    const id = await asking()
    await interruptJob(scene, scene.tenant, id)
    await becomes(id, { state: 'succeeded' })
    const [asked] = await requests(id)
    await expect(
      decideRequest(scene, scene.tenant, id, { requestId: asked!.request_id, decision: 'allow' }),
    ).rejects.toMatchObject({ code: 'request_decided' })
  })

  test('ends when nobody answers for too long, and a reply takes it up again', async () => {
    const { executor } = await engine({ leaseSeconds: 1 })
    const id = await asking()
    expect(await failOverdueWaits(scene, 1)).toBe(0)
    await expect.poll(() => failOverdueWaits(scene, 1e-6), { interval: 10 }).toBe(1)
    expect(await scene.job(id)).toMatchObject({
      state: 'failed',
      reason: { code: 'timeout', message: expect.stringContaining('Nobody answered') },
    })
    await expect.poll(() => executor.list(), { timeout: 10_000 }).toEqual([])
    await reply(id, 'It should be blue.')
    await becomes(id, { state: 'succeeded', turn: 2, attempt: 2 })
    expect((await messagesOf(id)).at(-1)).toContain('It should be blue.')
  })
})

describe('a decision', () => {
  test('on a plan goes on with it, a reply asks for another', async () => {
    await engine()
    const id = await asking('plan')
    expect((await scene.job(id)).waiting_for).toBe('plan')
    await reply(id, 'Use tabs.')
    await expect.poll(async () => (await requests(id)).length, { timeout: 5_000 }).toBe(2)
    await becomes(id, { state: 'waiting' })
    const [first, second] = await requests(id)
    expect(first).toMatchObject({ decision: 'deny', note: 'Use tabs.', decided_by: scene.tenant.userId })
    await decideRequest(scene, scene.tenant, id, { requestId: second!.request_id, decision: 'allow' })
    await becomes(id, { state: 'succeeded' })
  })

  test('is made once: of two people one wins, the other learns it by name', async () => {
    await engine()
    const id = await asking()
    const [asked] = await requests(id)
    const requestId = asked!.request_id
    const outcomes = await Promise.allSettled(
      (['allow', 'deny'] as const).map(decision =>
        decideRequest(scene, scene.tenant, id, { requestId, decision }),
      ),
    )
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const lost = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(lost.reason).toMatchObject({ code: 'request_decided', status: 409 })
    await becomes(id, { state: 'succeeded' })
    expect((await typesOf(id)).filter(type => type === 'approval.decided')).toHaveLength(1)
  })

  test('on what was never asked is refused by name, and so are answers to no question', async () => {
    await engine()
    const id = await asking()
    await expect(
      decideRequest(scene, scene.tenant, id, { requestId: 'none', decision: 'allow' }),
    ).rejects.toMatchObject({ code: 'request_not_found', status: 404 })
    await expect(replyToJob(scene, scene.tenant, id, { answers: { shape: 'round' } })).rejects.toMatchObject({
      code: 'validation_failed',
    })
    expect((await scene.job(id)).state).toBe('waiting')
  })
})

describe('a reply', () => {
  test('to a job that has not begun is refused, and changes nothing', async () => {
    const { id } = await scene.submit()
    await expect(reply(id, 'Hello')).rejects.toMatchObject({ code: 'job_state_conflict', status: 409 })
    const { id: later } = await scene.submit({ runAt: new Date(Date.now() + 3_600_000) })
    await expect(reply(later, 'Hello')).rejects.toMatchObject({ code: 'job_state_conflict' })
    expect(await typesOf(id)).toEqual(['job.created', 'job.queued'])
  })

  test('takes a finished job up again, in the same conversation', async () => {
    await engine()
    const id = await asking()
    await reply(id, 'Blue')
    await becomes(id, { state: 'succeeded' })
    await reply(id, 'Now make it green.')
    await becomes(id, { state: 'succeeded', turn: 2, attempt: 2 })
    expect((await messagesOf(id)).at(-1)).toContain('Now make it green.')
    expect(await typesOf(id)).toEqual(expect.arrayContaining(['job.reopened', 'session.resumed']))
  })

  test('that comes after the last word of the agent makes one turn more', async () => {
    const publishing = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    await engine({
      repositories: {
        pushedBy: async () => 'b'.repeat(40),
        publish: async () => {
          reached.resolve()
          await publishing.promise
        },
      },
    })
    const { id } = await scene.submit({ task: '[dummy: ask 0]' })
    await reached.promise
    await reply(id, 'One thing more.')
    publishing.resolve()
    await becomes(id, { state: 'succeeded', turn: 2, attempt: 2 })
    expect((await messagesOf(id)).at(-1)).toContain('One thing more.')
  })
})

describe('a container that only waits', () => {
  test('is released after its time, and an answer goes on in another with the saved conversation', async () => {
    const { executor } = await engine({ waitContainerSeconds: 0 })
    const id = await asking()
    await isParked(id)
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
    await deleteDoomedObjects(scene, new AbortController().signal)
    const kept = await Array.fromAsync(scene.storage.list(`sessions/${id}/`))
    expect(kept).toHaveLength(1)
    await replyToJob(scene, scene.tenant, id, { answers: { '1': 'Blue' } })
    await becomes(id, { state: 'succeeded', attempt: 2 })
    const told = (await messagesOf(id)).at(-1)
    expect(told).toContain('Which colour should it be?')
    expect(told).toContain('Blue')
    const types = await typesOf(id)
    expect(types).toEqual(expect.arrayContaining(['session.saved', 'attempt.parked', 'session.resumed']))
  })

  test('goes earlier when there are more than the worker may run', async () => {
    const { executor } = await engine({ concurrency: 1 })
    const first = await asking()
    const second = await asking()
    await isParked(first)
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toHaveLength(1)
    expect(await scene.liveAttempt(second)).toBeDefined()
    await reply(first, 'Red')
    await becomes(first, { state: 'succeeded' })
  })

  test('and does not save its work in time is taken away, and the question stays asked', async () => {
    const { executor } = await engine({ waitContainerSeconds: 0, parkSeconds: 0 })
    const id = await asking('ask-deaf')
    await isParked(id)
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
    expect(JSON.stringify(await scene.story(id))).toContain('did not save its work')
    await cancelJob(scene, scene.tenant, id)
  })

  test('can be cancelled when it is gone', async () => {
    await engine({ waitContainerSeconds: 0 })
    const id = await asking()
    await isParked(id)
    await expect(interruptJob(scene, scene.tenant, id)).rejects.toMatchObject({ code: 'job_state_conflict' })
    await cancelJob(scene, scene.tenant, id)
    expect((await scene.job(id)).state).toBe('cancelled')
    await expect(retryJob(scene, scene.tenant, id)).resolves.toMatchObject({ state: 'queued' })
  })

  test('that is answered while it is being released gets the answer once, here or there', async () => {
    await engine({ waitContainerSeconds: 0 })
    const jobs = await Promise.all(Array.from({ length: 8 }, () => scene.submit({ task: '[dummy: ask]' })))
    for (const { id } of jobs) {
      await expect.poll(async () => (await requests(id)).length, { interval: 2, timeout: 10_000 }).toBe(1)
      await reply(id, `Answer of ${id}`)
    }
    for (const { id } of jobs) {
      await becomes(id, { state: 'succeeded' })
      const heard = (await messagesOf(id)).filter(text => text.includes(`Answer of ${id}`))
      expect(heard).toHaveLength(1)
    }
  })
})

describe('while a job waits, its worker', () => {
  test('may be killed: the next one adopts the container, and the answer arrives', async () => {
    const machine = await createMachine()
    onTestFinished(machine.remove)
    const first = await startEngine(scene, { machine, leaseSeconds: 2 })
    const id = await asking()
    await first.kill()
    await engine({ machine, leaseSeconds: 2 })
    await expect.poll(() => typesOf(id), { timeout: 10_000 }).toContain('attempt.adopted')
    expect((await scene.job(id)).state).toBe('waiting')
    await reply(id, 'Blue')
    await becomes(id, { state: 'succeeded', attempt: 1 })
  })

  test('may be killed between the decision and the runner: it arrives once', async () => {
    const machine = await createMachine()
    onTestFinished(machine.remove)
    const first = await startEngine(scene, { machine, leaseSeconds: 2 })
    const id = await asking()
    await first.kill()
    await reply(id, 'Blue, decided while nobody was there')
    expect((await scene.job(id)).state).toBe('running')
    await engine({ machine, leaseSeconds: 2 })
    await becomes(id, { state: 'succeeded', attempt: 1 })
    const heard = (await messagesOf(id)).filter(text => text.includes('decided while nobody was there'))
    expect(heard).toHaveLength(1)
  })

  test('may be lost with its machine: the question stays asked, and the answer starts another container', async () => {
    const lost = await createMachine()
    const first = await startEngine(scene, { machine: lost, leaseSeconds: 1 })
    const id = await asking()
    await first.kill()
    await lost.remove()
    await engine({ leaseSeconds: 1 })
    await isParked(id)
    expect(await typesOf(id)).toContain('attempt.lost')
    await reply(id, 'Blue')
    await becomes(id, { state: 'succeeded', attempt: 2 })
    expect(await typesOf(id)).toContain('session.resumed')
  })
})

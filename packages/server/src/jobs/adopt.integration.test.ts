import { readdir } from 'node:fs/promises'
import type { JobEvent } from '@flowforge/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Behaviour } from '../executors/dummy/executor.ts'
import { createDummyRunner } from '../executors/dummy/runner.ts'
import { giveUpLeasesOfTheDead } from './adopt.ts'
import type { Repositories } from './ports.ts'
import { cancel, createMachine, type EngineOptions, startEngine } from './testing-engine.ts'
import { createScene, type Scene, TERMINAL_EVENTS } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

/** Works until it is told to finish; a line for each word of the test. */
function createAgent() {
  const finish = Promise.withResolvers<void>()
  const working = Promise.withResolvers<(text: string) => Promise<void>>()
  let orders = 0
  const behaviour: Behaviour = async context => {
    const runner = createDummyRunner(context)
    const order = await runner.order()
    orders += 1
    if (order.phase === 'verify') {
      await runner.settle({ outcome: 'completed', summary: '', verify: [] })
      return { exitCode: 0 }
    }
    await runner.report([{ type: 'job.stage', data: { stage: 'working' } }])
    working.resolve(text => runner.report([{ type: 'log', data: { stream: 'stdout', text } }]))
    await finish.promise
    await runner.settle({ outcome: 'completed', summary: 'Done.', verify: [] })
    return { exitCode: 0 }
  }
  return {
    behaviour,
    say: async (text: string) => (await working.promise)(text),
    finish: finish.resolve,
    orders: () => orders,
  }
}

async function stage() {
  const agent = createAgent()
  const machine = await createMachine(agent.behaviour)
  onTestFinished(() => machine.remove())
  const worker = async (options: EngineOptions = {}) => {
    const engine = await startEngine(scene, { machine, leaseSeconds: 2, ...options })
    onTestFinished(() => engine.close())
    return engine
  }
  return { agent, machine, worker }
}

const reaches = (id: string, state: string, timeout = 10_000) =>
  expect.poll(async () => (await scene.job(id)).state, { interval: 20, timeout }).toBe(state)
const isWorking = (id: string) =>
  expect.poll(async () => (await scene.job(id)).stage, { interval: 10, timeout: 10_000 }).toBe('working')
const hasEvent = (id: string, type: JobEvent['type']) =>
  expect
    .poll(async () => (await scene.story(id)).some(event => event.type === type), { timeout: 10_000 })
    .toBe(true)
/** The invariants that hold whatever died. */
const endedOnce = async (id: string) => {
  const story = await scene.story(id)
  expect(story.map(event => event.seq)).toEqual(story.map((_, index) => index + 1))
  expect(story.filter(event => TERMINAL_EVENTS.includes(event.type))).toHaveLength(1)
  return story
}
const logLines = (story: JobEvent[]) =>
  story.flatMap(event => (event.type === 'log' ? [event.data.text] : []))

describe('an attempt whose worker dies', () => {
  test('goes on with the next worker: one container, one attempt, no line lost or doubled', async () => {
    const { agent, machine, worker } = await stage()
    const first = await worker()
    const { id } = await scene.submit()
    await isWorking(id)
    await agent.say('before')
    await first.kill()
    const meanwhile = agent.say('while nobody was there')
    const second = await worker()
    await meanwhile
    await hasEvent(id, 'attempt.adopted')
    await agent.say('after')
    agent.finish()
    await reaches(id, 'succeeded')
    const story = await endedOnce(id)
    expect(logLines(story)).toEqual(['before', 'while nobody was there', 'after'])
    expect(story.filter(event => event.type === 'attempt.started')).toHaveLength(1)
    expect(story.find(event => event.type === 'attempt.adopted')?.data).toEqual({
      number: 1,
      workerId: second.worker.id,
    })
    expect(agent.orders()).toBe(1)
    await expect.poll(() => machine.executor.list(), { timeout: 5_000 }).toEqual([])
    await expect.poll(() => readdir(machine.directory), { timeout: 5_000 }).toEqual([])
  })

  test('is not waited for when the worker was of this host and its process is gone', async () => {
    const { agent, worker } = await stage()
    const first = await worker({ leaseSeconds: 3600 })
    const { id } = await scene.submit()
    await isWorking(id)
    const { place, worker_id } = (await scene.liveAttempt(id))!
    await first.kill()
    const look = (isAlive: boolean, host: string) =>
      giveUpLeasesOfTheDead(scene.database, {
        ...{ workerId: crypto.randomUUID(), place: place!, host, pid: 1, isAlive: () => isAlive },
      })
    const lease = async () => (await scene.liveAttempt(id))!.lease_expires_at.getTime() - Date.now()
    await look(true, first.host)
    await look(false, 'another host')
    expect(await lease()).toBeGreaterThan(3_000_000)
    await look(false, first.host)
    expect(await lease()).toBeLessThan(60_000)
    await worker()
    await hasEvent(id, 'attempt.adopted')
    expect((await scene.liveAttempt(id))!.worker_id).not.toBe(worker_id)
    agent.finish()
    await reaches(id, 'succeeded')
  })

  test('is brought to its end when only its report was left of it', async () => {
    const { agent, worker } = await stage()
    const publishing = Promise.withResolvers<void>()
    const pushedBy = async () => 'b'.repeat(40)
    const never: Repositories['publish'] = (_repository, _result, signal) => {
      publishing.resolve()
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      )
    }
    const first = await worker({ repositories: { pushedBy, publish: never } })
    const { id } = await scene.submit({ verify: ['true'] })
    await isWorking(id)
    agent.finish()
    await publishing.promise
    await first.kill()
    await worker({ repositories: { pushedBy } })
    await reaches(id, 'succeeded')
    await endedOnce(id)
    expect((await scene.job(id)).head_commit).toBe('b'.repeat(40))
    // The verify that was reported counts; Claude was not asked again.
    expect(agent.orders()).toBe(2)
  })

  test('is cancelled by the next worker when a person asked meanwhile', async () => {
    const { machine, worker } = await stage()
    const first = await worker()
    const { id } = await scene.submit()
    await isWorking(id)
    await first.kill()
    await cancel(scene, id)
    await worker()
    await reaches(id, 'cancelled')
    await endedOnce(id)
    await expect.poll(() => machine.executor.list(), { timeout: 5_000 }).toEqual([])
  })

  test('is tried again within two leases by a worker elsewhere, and its old container goes', async () => {
    const { machine, worker } = await stage()
    const first = await worker()
    const { id } = await scene.submit()
    await isWorking(id)
    await first.kill()
    const began = performance.now()
    const elsewhere = await startEngine(scene, { leaseSeconds: 2 })
    onTestFinished(() => elsewhere.close())
    await hasEvent(id, 'attempt.lost')
    // And the time that the sweep takes to come round.
    expect(performance.now() - began).toBeLessThan(2 * 2_000 + 2_500)
    await reaches(id, 'succeeded')
    await endedOnce(id)
    expect((await scene.job(id)).attempt).toBe(2)
    await worker()
    await expect.poll(() => machine.executor.list(), { timeout: 8_000 }).toEqual([])
    await expect.poll(() => readdir(machine.directory), { timeout: 5_000 }).toEqual([])
  })

  test('and that has nothing to show is tried again without waiting for adopters', async () => {
    const { agent, machine, worker } = await stage()
    const first = await worker()
    const { id } = await scene.submit()
    await isWorking(id)
    await first.kill()
    for (const container of await machine.executor.list())
      await machine.executor.stop(container, { graceMs: 0 })
    await worker()
    await hasEvent(id, 'attempt.lost')
    agent.finish()
    await reaches(id, 'succeeded')
    expect((await scene.job(id)).attempt).toBe(2)
  })
})

describe('a worker that was frozen past its lease', () => {
  test('finds its attempt adopted, writes nothing more, and leaves the container to its new holder', async () => {
    const { agent, machine, worker } = await stage()
    const frozen = await worker()
    const { id } = await scene.submit()
    await isWorking(id)
    frozen.freeze()
    // On its way through the frozen worker: told to come again, not that its lease is lost.
    const onItsWay = agent.say('through the frozen worker')
    await worker()
    await hasEvent(id, 'attempt.adopted')
    frozen.thaw()
    await onItsWay
    await agent.say('after')
    expect(await machine.executor.list()).toHaveLength(1)
    agent.finish()
    await reaches(id, 'succeeded')
    expect(logLines(await endedOnce(id))).toEqual(['through the frozen worker', 'after'])
    expect(agent.orders()).toBe(1)
  })
})

describe('a worker that drains', () => {
  test('hands its attempts over at once, and they go on', async () => {
    const { agent, machine, worker } = await stage()
    const first = await worker({ leaseSeconds: 30 })
    const { id } = await scene.submit({ maxAttempts: 1 })
    await isWorking(id)
    const began = performance.now()
    await first.worker.drain(60_000)
    expect(performance.now() - began).toBeLessThan(3_000)
    expect((await scene.job(id)).state).toBe('running')
    expect(await machine.executor.list()).toHaveLength(1)
    const said = agent.say('while nobody was there')
    await worker({ leaseSeconds: 30 })
    await said
    await hasEvent(id, 'attempt.adopted')
    agent.finish()
    await reaches(id, 'succeeded')
    expect(logLines(await endedOnce(id))).toEqual(['while nobody was there'])
  })

  test('under load loses no job, and none is done twice', async () => {
    const machine = await createMachine()
    onTestFinished(() => machine.remove())
    const ids: string[] = []
    for (let n = 0; n < 40; n += 1) ids.push((await scene.submit({ maxAttempts: 1 })).id)
    for (let deploy = 0; deploy < 4; deploy += 1) {
      const engine = await startEngine(scene, { machine, concurrency: 8 })
      const some = async () =>
        (await Promise.all(ids.map(id => scene.job(id)))).filter(job => job.state === 'succeeded').length
      await expect.poll(some, { interval: 5, timeout: 10_000 }).toBeGreaterThanOrEqual(5 * deploy)
      await engine.worker.drain(0)
    }
    const last = await startEngine(scene, { machine, concurrency: 8 })
    onTestFinished(() => last.close())
    for (const id of ids) {
      await reaches(id, 'succeeded', 20_000)
      await endedOnce(id)
    }
    await expect.poll(() => machine.executor.list(), { timeout: 5_000 }).toEqual([])
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { FlowForgeError } from '../errors.ts'
import { behaviourFromTask, dummyBehaviour } from '../executors/dummy/behaviours.ts'
import { createDummyExecutor } from '../executors/dummy/executor.ts'
import { forgetSilentWorkers, listLiveWorkers } from '../store/workers.ts'
import { recoverLostAttempts } from './recover.ts'
import { cancel, type EngineOptions, startEngine } from './testing-engine.ts'
import { createScene, type Scene, TERMINAL_EVENTS } from './testing-scene.ts'

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
const reaches = (id: string, state: string, timeout = 10_000) =>
  expect.poll(async () => (await scene.job(id)).state, { interval: 20, timeout }).toBe(state)
const isWorking = (id: string) =>
  expect.poll(async () => (await scene.job(id)).stage, { interval: 20, timeout: 10_000 }).toBe('working')

describe('a job in the hands of a worker', () => {
  test('succeeds, with a story without gaps and one end', async () => {
    const { executor } = await engine()
    const { id } = await scene.submit({ verify: ['npm test'] })
    await reaches(id, 'succeeded')
    const story = await scene.story(id)
    expect(story.map(event => event.seq)).toEqual(story.map((_, index) => index + 1))
    expect(story.at(-1)?.type).toBe('job.succeeded')
    expect(story.filter(event => TERMINAL_EVENTS.includes(event.type))).toHaveLength(1)
    expect(await scene.job(id)).toMatchObject({
      base_branch: 'main',
      base_commit: 'a'.repeat(40),
      stage: null,
      result: { summary: 'The scripted work is done.', filesChanged: 0 },
    })
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
  })

  test('that stands still at a stage ends as no_progress, and names it', async () => {
    const { executor } = await engine({ noProgressMs: 300 })
    const { id } = await scene.submit({ task: '[dummy: stall-at cloning]' })
    const isRetried = async () => (await scene.story(id)).find(event => event.type === 'job.retried')
    await expect.poll(isRetried, { timeout: 10_000 }).toMatchObject({
      data: {
        reason: {
          code: 'no_progress',
          message: 'Nothing was heard of the container for 0 seconds, during the stage cloning.',
        },
      },
    })
    await cancel(scene, id)
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
  })

  test('that says something now and then goes on, however long it takes', async () => {
    await engine({ noProgressMs: 300 })
    const { id } = await scene.submit({ task: '[dummy: work 1]', timeoutSeconds: 10 })
    await reaches(id, 'succeeded')
  })

  test('whose container heard of no worker for long is tried again, whatever attempts it has', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: exit-once 4]', maxAttempts: 1 })
    await reaches(id, 'succeeded')
    expect((await scene.story(id)).find(event => event.type === 'job.retried')).toMatchObject({
      data: { reason: { code: 'worker_lost', message: expect.stringContaining('No worker answered') } },
    })
  })

  test.each([
    ['exit:3', 'agent_crashed', 'with exit code 3'],
    ['oom', 'oom', 'more memory'],
    ['fail setup_failed', 'setup_failed', 'scripted failure'],
    ['die-at verifying', 'agent_crashed', 'during the stage verifying'],
  ])('[dummy: %s] fails as %s', async (mark, code, message) => {
    await engine()
    const { id } = await scene.submit({ task: `[dummy: ${mark}]`, maxAttempts: 1 })
    await reaches(id, 'failed')
    const { reason } = await scene.job(id)
    expect(reason).toMatchObject({ code, next: expect.any(String) })
    expect(reason?.message).toContain(message)
    expect((await scene.story(id)).at(-1)).toMatchObject({ type: 'job.failed', data: { reason: { code } } })
  })

  test('that reports 10,000 lines loses none', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: flood 10000]' })
    await reaches(id, 'succeeded', 30_000)
    const lines = (await scene.story(id)).filter(event => event.type === 'log')
    expect(lines).toHaveLength(10_000)
    expect(lines.at(-1)?.data).toEqual({ stream: 'stdout', text: 'line 10000 of 10000' })
  })

  test('gives its order to the first runner alone', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: connect-twice]' })
    await reaches(id, 'succeeded')
    const log = (await scene.story(id)).find(event => event.type === 'log')
    expect(log?.data).toMatchObject({ text: 'the second nonce was answered 409' })
  })

  test('whose runner never speaks ends with the stage it stopped at', async () => {
    const { executor } = await engine({ behaviour: dummyBehaviour('never-connect'), firstContactMs: 200 })
    const { id } = await scene.submit()
    await reaches(id, 'failed')
    const { reason } = await scene.job(id)
    expect(reason).toMatchObject({ code: 'no_progress' })
    expect(reason?.message).toContain('starting_container')
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
  })

  test('whose runner spoke may be silent for longer than that', async () => {
    await engine({ firstContactMs: 100 })
    const { id } = await scene.submit({ task: '[dummy: linger]' })
    await isWorking(id)
    const { id: next } = await scene.submit()
    await reaches(next, 'succeeded')
    expect((await scene.job(id)).state).toBe('running')
  })

  test('that hangs is cancelled within 5 s, its container gone', async () => {
    const { executor } = await engine()
    const { id } = await scene.submit({ task: '[dummy: hang]' })
    await expect.poll(() => executor.list(), { interval: 20 }).toHaveLength(1)
    const began = performance.now()
    await cancel(scene, id)
    await reaches(id, 'cancelled', 5_000)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(await executor.list()).toEqual([])
    expect((await scene.story(id)).at(-1)).toMatchObject({
      type: 'job.cancelled',
      data: { by: scene.tenant.userId },
    })
  })

  test('that takes too long ends as timeout', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: linger]', timeoutSeconds: 1 })
    await reaches(id, 'failed')
    expect((await scene.job(id)).reason).toMatchObject({ code: 'timeout' })
  })

  test.each([
    'docker_unavailable',
    'image_unavailable',
    'disk_full',
  ] as const)('whose container does not start for %s says so', async code => {
    const executor = createDummyExecutor({
      behaviour: () => behaviourFromTask,
      startFailure: () => new FlowForgeError(code, 'It does not start.'),
    })
    await engine({ executor })
    const { id } = await scene.submit({ maxAttempts: 1 })
    await reaches(id, 'failed')
    const expected = code === 'docker_unavailable' ? 'no_capacity' : code
    expect((await scene.job(id)).reason).toMatchObject({ code: expected, message: 'It does not start.' })
  })

  test('whose repository can not be reached fails before a container starts', async () => {
    const update = async () => Promise.reject(new FlowForgeError('git_unreachable', 'No route.'))
    await engine({ repositories: { update } })
    const { id } = await scene.submit({ maxAttempts: 1 })
    await reaches(id, 'failed')
    expect((await scene.job(id)).reason).toMatchObject({ code: 'git_unreachable', message: 'No route.' })
  })

  test('that fails in a way nobody thought of tells nothing of it', async () => {
    const update = async () => Promise.reject(new Error('token ghp_secret'))
    await engine({ repositories: { update } })
    const { id } = await scene.submit({ maxAttempts: 1 })
    await reaches(id, 'failed')
    expect((await scene.job(id)).reason?.code).toBe('internal_error')
    expect(JSON.stringify(await scene.story(id))).not.toContain('ghp_secret')
  })
})

describe('a worker', () => {
  test('runs no more jobs at a time than it may', async () => {
    const { executor } = await engine({ concurrency: 2 })
    for (let n = 0; n < 3; n += 1) await scene.submit({ task: '[dummy: linger]' })
    const working = async () => (await scene.jobs()).filter(job => job.stage === 'working')
    await expect.poll(async () => (await working()).length, { timeout: 10_000 }).toBe(2)
    expect(await executor.list()).toHaveLength(2)
    const [late] = (await scene.jobs()).filter(job => job.state === 'queued')
    await cancel(scene, (await working())[0]!.id)
    await isWorking(late!.id)
  })

  test('that drains finishes what it holds and takes nothing new', async () => {
    const { worker } = await engine({ concurrency: 2 })
    const jobs = await Promise.all(Array.from({ length: 6 }, () => scene.submit()))
    await expect
      .poll(async () => Promise.all(jobs.map(async ({ id }) => (await scene.job(id)).state)), { interval: 5 })
      .toContain('running')
    await worker.drain(10_000)
    const states = await Promise.all(jobs.map(async ({ id }) => (await scene.job(id)).state))
    for (const state of states) expect(['queued', 'succeeded']).toContain(state)
    expect(await scene.database.acrossOrganizations(tx => listLiveWorkers(tx, 60))).toEqual([])
    // Nothing is lost: the next worker does the rest.
    await engine()
    await Promise.all(jobs.map(({ id }) => reaches(id, 'succeeded')))
  })

  test('that drains says so at once and keeps its lease until its last job has ended', async () => {
    const { worker } = await engine({ leaseSeconds: 1 })
    const { id } = await scene.submit({ task: '[dummy: linger]' })
    await isWorking(id)
    const drained = worker.drain(60_000)
    const draining = async () =>
      (await scene.database.acrossOrganizations(tx => listLiveWorkers(tx, 60))).map(row => row.draining)
    await expect.poll(draining, { interval: 20 }).toEqual([true])
    const lease = async () => (await scene.liveAttempt(id))?.lease_expires_at.getTime() ?? 0
    const before = await lease()
    await expect.poll(lease, { timeout: 10_000 }).toBeGreaterThan(before + 2_000)
    expect((await scene.job(id)).state).toBe('running')
    await cancel(scene, id)
    expect(await drained).toEqual({ handedOver: 0, givenBack: 0 })
    expect((await scene.story(id)).map(event => event.type)).not.toContain('attempt.lost')
  })

  test('that drains while it claims does not forget what it gets', async () => {
    const { worker } = await engine()
    const claims = await scene.holdClaims()
    const { id } = await scene.submit({ task: '[dummy: linger]' })
    await expect.poll(claims.waiting, { interval: 20 }).toBeGreaterThan(0)
    const drained = worker.drain(0)
    await claims.letGo()
    await drained
    expect(await scene.job(id)).toMatchObject({ state: 'queued', attempt: 1 })
  })

  test('that must stop before a job is done gives it back at once', async () => {
    const { worker, executor } = await engine()
    const { id } = await scene.submit({ task: '[dummy: linger]', maxAttempts: 1 })
    await isWorking(id)
    await worker.drain(0)
    expect(await scene.job(id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect(await executor.list()).toEqual([])
    expect((await scene.story(id)).slice(-2).map(event => event.type)).toEqual(['job.retried', 'job.queued'])
  })

  test('that was struck off while its machine slept is known again, and its job goes on', async () => {
    await engine({ leaseSeconds: 1 })
    const { id } = await scene.submit({ task: '[dummy: linger]' })
    await isWorking(id)
    await scene.database.acrossOrganizations(tx => forgetSilentWorkers(tx, -1))
    await expect
      .poll(async () => (await scene.database.acrossOrganizations(tx => listLiveWorkers(tx, 60))).length, {
        timeout: 5_000,
      })
      .toBe(1)
    expect((await scene.job(id)).state).toBe('running')
  })

  test('leaves an attempt that was taken from it, and removes its container', async () => {
    const { executor } = await engine({ leaseSeconds: 1, concurrency: 1 })
    const { id } = await scene.submit({ task: '[dummy: linger]', maxAttempts: 1 })
    await isWorking(id)
    // Its holder freezes: the lease runs out, and another one looks.
    const freeze = async () => {
      await scene.expireLease((await scene.liveAttempt(id))!.id)
      await recoverLostAttempts(scene, 0)
      return (await scene.job(id)).state
    }
    const isLost = async () => (await scene.story(id)).some(event => event.type === 'attempt.lost')
    await expect
      .poll(async () => (await isLost()) || (await freeze()) === 'queued', { interval: 1 })
      .toBe(true)
    await cancel(scene, id)
    await expect.poll(() => executor.list(), { timeout: 5_000 }).toEqual([])
    await reaches(id, 'cancelled')
  })

  test('survives the loss of every connection to Postgres, and so does its job', async () => {
    await engine()
    const { id } = await scene.submit({ task: '[dummy: linger]' })
    await isWorking(id)
    await scene.breakConnections()
    // A request that was under way may be told to come again; nothing ends.
    const jobs: string[] = []
    const submitted = () =>
      scene.submit().then(
        ({ id }) => jobs.push(id),
        () => 0,
      )
    await expect.poll(submitted, { timeout: 5_000 }).toBe(1)
    await reaches(jobs[0]!, 'succeeded', 15_000)
    await cancel(scene, id)
    await reaches(id, 'cancelled')
  })
})

describe('containers that were started ahead', () => {
  test('serve the jobs that follow one which never came to use its own', async () => {
    const unreachable = new FlowForgeError('git_unreachable', 'The Git host does not answer.')
    let reachable = false
    const { executor } = await engine({
      spareContainers: 1,
      concurrency: 1,
      repositories: {
        update: async () => {
          if (!reachable) throw unreachable
        },
      },
    })
    await expect.poll(async () => (await executor.list()).length, { timeout: 5_000 }).toBe(1)
    const early = await scene.submit({ maxAttempts: 1 })
    await reaches(early.id, 'failed')
    reachable = true
    for (let round = 0; round < 3; round++) {
      const { id } = await scene.submit()
      await reaches(id, 'succeeded')
    }
  })

  test('are each used by one of many jobs, while slow ones prepare', async () => {
    const slow = Promise.withResolvers<void>()
    await engine({ spareContainers: 2, concurrency: 4, repositories: { update: () => slow.promise } })
    const jobs = await Promise.all(Array.from({ length: 4 }, () => scene.submit()))
    for (const { id } of jobs) await reaches(id, 'running')
    slow.resolve()
    for (const { id } of jobs) await reaches(id, 'succeeded')
  })
})

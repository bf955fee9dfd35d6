import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { reasonOf } from './failures.ts'
import { retryJob } from './retry.ts'
import { type Outcome, settleAttempt } from './settle.ts'
import { cancel, startEngine } from './testing-engine.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

const reaches = (id: string, state: string) =>
  expect.poll(async () => (await scene.job(id)).state, { interval: 20, timeout: 10_000 }).toBe(state)
const retry = (id: string, by = scene.tenant) => retryJob(scene, by, id)
const lastTypes = async (id: string, count: number) =>
  (await scene.story(id)).slice(-count).map(event => event.type)
/** Claims the one queued job and ends the attempt like this. */
const attempt = async (outcome: Outcome, random = () => 0) => {
  const [claim] = await scene.claim()
  const { id, epoch } = claim!.attempt
  return settleAttempt({ ...scene, random }, claim!.job.id, { attemptId: id, epoch }, outcome)
}
const failing = (code: Parameters<typeof reasonOf>[0], retryAfterMs?: number): Outcome => ({
  ...{ kind: 'failed', reason: reasonOf(code, 'It failed.'), retryAfterMs },
})
const passTime = (id: string) =>
  scene.database.acrossOrganizations(tx => tx.run(sql`update jobs set not_before = now() where id = ${id}`))

describe('an automatic retry', () => {
  test('waits in the queue for its time, and says for how long and why', async () => {
    const { id } = await scene.submit()
    await attempt(failing('git_unreachable'), () => 0.5)
    const job = await scene.job(id)
    expect(job).toMatchObject({ state: 'queued', stage: null, reason: null, finished_at: null })
    expect(await scene.claim()).toEqual([])
    expect((await scene.story(id)).at(-2)).toMatchObject({
      type: 'job.retried',
      data: { automatic: true, delayMs: 7_500, reason: { code: 'git_unreachable' } },
    })
    await passTime(id)
    expect((await scene.claim())[0]?.attempt.number).toBe(2)
  })

  test('comes no sooner than the other side asked for', async () => {
    const { id } = await scene.submit()
    const before = Date.now()
    await attempt(failing('claude_unavailable', 90_000))
    expect((await scene.job(id)).not_before!.getTime() - before).toBeGreaterThan(80_000)
  })

  test('ends with the last attempt', async () => {
    const { id } = await scene.submit({ maxAttempts: 2 })
    await attempt(failing('git_unreachable'))
    await attempt(failing('git_unreachable'))
    expect(await scene.job(id)).toMatchObject({ state: 'failed', reason: { code: 'git_unreachable' } })
  })

  test('follows a crash of the agent once', async () => {
    const { id } = await scene.submit({ maxAttempts: 5 })
    await attempt(failing('agent_crashed'))
    expect((await scene.job(id)).state).toBe('queued')
    await attempt(failing('agent_crashed'))
    expect((await scene.job(id)).state).toBe('failed')
  })

  test('does not follow what only a person can mend', async () => {
    const { id } = await scene.submit()
    await attempt(failing('setup_failed'))
    expect((await scene.job(id)).state).toBe('failed')
  })

  test('gives way to a cancel that waits for it', async () => {
    const { id } = await scene.submit()
    await attempt(failing('git_unreachable'), () => 0.5)
    await cancel(scene, id)
    expect((await scene.job(id)).state).toBe('cancelled')
  })

  test('is a new attempt in a new container', async () => {
    const engine = await startEngine(scene, { random: () => 0 })
    onTestFinished(() => engine.close())
    const { id } = await scene.submit({ task: '[dummy: exit:3]' })
    await reaches(id, 'failed')
    const story = await scene.story(id)
    expect(story.filter(event => event.type === 'attempt.started')).toHaveLength(2)
    expect(story.filter(event => event.type === 'job.retried')).toHaveLength(1)
    expect((await scene.job(id)).reason?.code).toBe('agent_crashed')
  })
})

describe("a person's retry", () => {
  test('puts a failed job back, with all its attempts to spend', async () => {
    const { id } = await scene.submit({ maxAttempts: 2 })
    await attempt(failing('agent_crashed'))
    await attempt(failing('agent_crashed'))
    await retry(id)
    expect(await scene.job(id)).toMatchObject({ state: 'queued', reason: null, finished_at: null })
    expect(await lastTypes(id, 2)).toEqual(['job.retried', 'job.queued'])
    expect((await scene.story(id)).at(-2)?.data).toEqual({ by: scene.tenant.userId, automatic: false })
    await attempt(failing('agent_crashed'))
    expect((await scene.job(id)).state).toBe('queued')
    await attempt(failing('agent_crashed'))
    expect(await scene.job(id)).toMatchObject({ state: 'failed', attempt: 4 })
  })

  test('puts a cancelled job back; the cancel is forgotten', async () => {
    const { id } = await scene.submit()
    await cancel(scene, id)
    await retry(id)
    expect(await scene.job(id)).toMatchObject({
      state: 'queued',
      cancelled_by: null,
      cancel_requested_at: null,
    })
    await attempt({ kind: 'succeeded', headCommit: null, result: NOTHING })
    expect((await scene.job(id)).state).toBe('succeeded')
  })

  test('is refused while the job is queued, runs, or has succeeded; nothing changes', async () => {
    const { id } = await scene.submit()
    const isRefused = async () => {
      const before = await scene.job(id)
      await expect(retry(id)).rejects.toMatchObject({ code: 'job_state_conflict', status: 409 })
      expect(await scene.job(id)).toEqual(before)
    }
    await isRefused()
    const [claim] = await scene.claim()
    await isRefused()
    const { id: attemptId, epoch } = claim!.attempt
    const done: Outcome = { kind: 'succeeded', headCommit: null, result: NOTHING }
    await settleAttempt(scene, id, { attemptId, epoch }, done)
    await isRefused()
  })

  test('of two at the same time one wins', async () => {
    const { id } = await scene.submit()
    await cancel(scene, id)
    const results = await Promise.allSettled([retry(id), retry(id)])
    expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('reaches no job of another organization', async () => {
    const { id } = await scene.submit()
    await cancel(scene, id)
    const stranger = await scene.addTenant('stranger')
    await expect(retry(id, stranger)).rejects.toMatchObject({ code: 'job_not_found' })
  })
})

const NOTHING = { summary: '', filesChanged: 0, insertions: 0, deletions: 0, verify: [] }

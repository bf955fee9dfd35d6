import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isFlowForgeError } from '../errors.ts'
import { renewLeases } from '../store/leases.ts'
import { cancelJob } from './cancel.ts'
import { reasonOf } from './failures.ts'
import { recoverLostAttempts } from './recover.ts'
import { type Outcome, settleAttempt } from './settle.ts'
import { letTimePass } from './testing-aftermath.ts'
import { createScene, type Scene, TERMINAL_EVENTS } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
beforeEach(() => scene.removeJobs())
afterAll(() => scene.close())

const SUCCEEDED: Outcome = {
  kind: 'succeeded',
  headCommit: 'b'.repeat(40),
  result: { summary: 'Done.', filesChanged: 1, insertions: 1, deletions: 0, verify: [] },
}
const FAILED: Outcome = { kind: 'failed', reason: reasonOf('agent_error', 'It gave up.') }

const running = async (maxAttempts = 2) => {
  const { id } = await scene.submit({ maxAttempts })
  const { attempt } = (await scene.claim())[0]!
  return { id, attemptId: attempt.id, holder: { attemptId: attempt.id, epoch: attempt.epoch } }
}
const settle = (job: Awaited<ReturnType<typeof running>>, outcome: Outcome, epoch = job.holder.epoch) =>
  settleAttempt(scene, job.id, { ...job.holder, epoch }, outcome)
const cancel = (id: string) => cancelJob(scene, scene.tenant, id)
const ends = async (id: string) =>
  (await scene.story(id)).filter(event => TERMINAL_EVENTS.includes(event.type)).map(event => event.type)

describe('settling an attempt', () => {
  test('ends attempt and job together', async () => {
    const job = await running()
    await settle(job, SUCCEEDED)
    expect(await scene.job(job.id)).toMatchObject({
      state: 'succeeded',
      head_commit: 'b'.repeat(40),
      stage: null,
      finished_at: expect.any(Date),
    })
    expect(await scene.liveAttempt(job.id)).toBeUndefined()
  })

  test('is refused to a holder whose epoch has passed', async () => {
    const job = await running()
    await expect(settle(job, SUCCEEDED, job.holder.epoch - 1)).rejects.toMatchObject({ code: 'lease_lost' })
    expect((await scene.job(job.id)).state).toBe('running')
  })

  test('happens once, also when two would at the same time', async () => {
    const job = await running()
    const results = await Promise.allSettled([settle(job, SUCCEEDED), settle(job, FAILED)])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const loser = results.find(result => result.status === 'rejected')
    expect(isFlowForgeError(loser?.reason, 'lease_lost')).toBe(true)
    expect(await ends(job.id)).toHaveLength(1)
  })

  test('as requeued leads to a new attempt', async () => {
    const job = await running()
    await settle(job, { kind: 'requeued', reason: reasonOf('worker_lost', 'x') })
    const [again] = await scene.claim()
    expect(again).toMatchObject({ job: { id: job.id, attempt: 2 }, attempt: { number: 2 } })
  })

  test('as failed is a cancel when somebody has asked for one', async () => {
    const job = await running()
    await cancel(job.id)
    await settle(job, FAILED)
    expect((await scene.job(job.id)).state).toBe('cancelled')
  })

  test('as succeeded stays a success: what was published is published', async () => {
    const job = await running()
    await cancel(job.id)
    await settle(job, SUCCEEDED)
    expect((await scene.job(job.id)).state).toBe('succeeded')
  })
})

describe('cancelling', () => {
  test('a queued job ends it at once', async () => {
    const { id } = await scene.submit()
    expect((await cancel(id)).state).toBe('cancelled')
    expect(await scene.claim()).toEqual([])
    expect((await scene.story(id)).at(-1)).toMatchObject({
      type: 'job.cancelled',
      data: { by: scene.tenant.userId },
    })
  })

  test('a running job asks its holder, and asking twice is no error', async () => {
    const job = await running()
    const told: string[] = []
    const stop = scene.signal.receive(attemptId => told.push(attemptId))
    expect((await cancel(job.id)).state).toBe('running')
    const first = (await scene.job(job.id)).cancel_requested_at
    await cancel(job.id)
    expect((await scene.job(job.id)).cancel_requested_at).toEqual(first)
    await expect.poll(() => told).toContain(job.attemptId)
    stop()
  })

  test('a finished job is refused', async () => {
    const job = await running()
    await settle(job, SUCCEEDED)
    await expect(cancel(job.id)).rejects.toMatchObject({ code: 'job_state_conflict' })
    expect(await ends(job.id)).toEqual(['job.succeeded'])
  })

  test("a job of another organization is refused as if it weren't there", async () => {
    const job = await running()
    const stranger = await scene.addTenant('cancelling')
    await expect(cancelJob(scene, stranger, job.id)).rejects.toMatchObject({ code: 'job_not_found' })
  })

  test('and finishing at once end the job exactly once', async () => {
    for (let round = 0; round < 25; round += 1) {
      const job = await running()
      const [, cancelled] = await Promise.allSettled([
        settle(job, round % 2 ? SUCCEEDED : FAILED),
        cancel(job.id),
        round % 3 === 0 ? cancel(job.id) : undefined,
      ])
      expect(await ends(job.id)).toHaveLength(1)
      const { state } = await scene.job(job.id)
      // Refused means: it had ended already, and not by a cancel, unless there was another.
      const byItself = round % 2 ? 'succeeded' : 'failed'
      const possible = round % 3 === 0 ? [byItself, 'cancelled'] : [byItself]
      if (cancelled.status === 'rejected') expect(possible).toContain(state)
    }
  })

  test('and claiming at once leave either a cancelled job or an attempt that is told', async () => {
    for (let round = 0; round < 25; round += 1) {
      const { id } = await scene.submit()
      const [claims] = await Promise.all([scene.claim(), cancel(id)])
      const job = await scene.job(id)
      if (claims.length === 0) expect(job.state).toBe('cancelled')
      else expect(job).toMatchObject({ state: 'running', cancel_requested_at: expect.any(Date) })
      await scene.removeJobs()
    }
  })
})

describe('a lost lease', () => {
  test('of attempts that had worked for long fails no job, however many there are', async () => {
    const { id } = await running(1)
    for (let number = 1; number <= 30; number += 1) {
      await scene.database.acrossOrganizations(tx =>
        tx.run(sql`update attempts set started_at = now() - interval '11 minutes' where ended_at is null`),
      )
      await letTimePass(scene)
      expect(await recoverLostAttempts(scene, 0)).toBe(1)
      expect(await scene.claim()).toHaveLength(1)
    }
    expect(await scene.job(id)).toMatchObject({ state: 'running', attempt: 31 })
  })

  test('queues the job again, whatever attempts it has, and fails it when its workers are lost again and again', async () => {
    const first = await running(1)
    await scene.expireLease(first.attemptId)
    expect(await recoverLostAttempts(scene, 0)).toBe(1)
    expect(await scene.job(first.id)).toMatchObject({ state: 'queued', attempt: 1 })
    expect((await scene.story(first.id)).map(event => event.type)).toEqual([
      ...['job.created', 'job.queued', 'job.started', 'attempt.started', 'job.stage'],
      ...['attempt.lost', 'job.retried', 'job.queued'],
    ])
    for (let number = 2; number <= 20; number += 1) {
      await letTimePass(scene)
      const { attempt } = (await scene.claim())[0]!
      await scene.expireLease(attempt.id)
      expect(await recoverLostAttempts(scene, 0)).toBe(1)
    }
    expect(await scene.job(first.id)).toMatchObject({
      state: 'failed',
      reason: { code: 'worker_lost', message: 'The worker that ran attempt 20 fell silent.' },
    })
    await expect(settle(first, SUCCEEDED)).rejects.toMatchObject({ code: 'lease_lost' })
  })

  test('of a job that was to be cancelled cancels it', async () => {
    const job = await running()
    await cancel(job.id)
    await scene.expireLease(job.attemptId)
    await recoverLostAttempts(scene, 0)
    expect(await ends(job.id)).toEqual(['job.cancelled'])
  })

  test('is recovered once by many sweepers', async () => {
    const jobs = [await running(), await running(), await running()]
    await Promise.all(jobs.map(job => scene.expireLease(job.attemptId)))
    const recovered = await Promise.all(Array.from({ length: 5 }, () => recoverLostAttempts(scene, 0)))
    expect(recovered.reduce((sum, count) => sum + count)).toBe(3)
  })

  test('that is renewed in the last moment is left alone', async () => {
    for (let round = 0; round < 10; round += 1) {
      const job = await running()
      await scene.expireLease(job.attemptId)
      const [kept, recovered] = await Promise.all([
        scene.database.acrossOrganizations(tx =>
          renewLeases(tx, scene.claimer.workerId, 30, [job.attemptId]),
        ),
        recoverLostAttempts(scene, 0),
      ])
      // Either the holder has it still, or it was told that it has not.
      expect(kept.length + recovered).toBe(1)
      expect((await scene.job(job.id)).state).toBe(recovered ? 'queued' : 'running')
      await scene.removeJobs()
    }
  })

  test('that nobody holds in hand is not renewed by its living worker', async () => {
    const job = await running()
    const renew = (inHand: string[]) =>
      scene.database.acrossOrganizations(tx => renewLeases(tx, scene.claimer.workerId, 30, inHand))
    expect(await renew([])).toEqual([])
    expect(await renew([job.attemptId])).toEqual([
      { id: job.attemptId, epoch: 1, cancel: false, waited_ms: null, remaining_ms: expect.any(Number) },
    ])
  })

  test('of one job that can not be recovered does not keep the others waiting', async () => {
    const [broken, sound] = [await running(), await running()]
    await scene.expireLease(broken.attemptId)
    await scene.expireLease(sound.attemptId)
    await scene.breakState(broken.id)
    await expect(recoverLostAttempts(scene, 0)).rejects.toThrow('could not be recovered')
    expect((await scene.job(sound.id)).state).toBe('queued')
  })
})

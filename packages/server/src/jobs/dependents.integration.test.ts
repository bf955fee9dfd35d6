import type { JobState } from '@flowforge/protocol'
import { isTerminal } from '@flowforge/protocol'
import fc from 'fast-check'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cancelJob } from './cancel.ts'
import { changeJob } from './change.ts'
import { releaseDueJobs, sweepDependents } from './dependents.ts'
import { reasonOf } from './failures.ts'
import { retryJob } from './retry.ts'
import { type Outcome, settleAttempt } from './settle.ts'
import { submitBatch } from './submit.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
beforeEach(() => scene.removeJobs())
afterAll(() => scene.close())

const RESULT = { summary: '', filesChanged: 0, insertions: 0, deletions: 0, verify: [] }
const succeeded: Outcome = { kind: 'succeeded', headCommit: null, result: RESULT }
const failed: Outcome = { kind: 'failed', reason: reasonOf('setup_failed', 'It failed.') }
const state = async (id: string): Promise<JobState> => (await scene.job(id)).state

/** Claims the one queued job and ends it. */
async function end(outcome: Outcome): Promise<string> {
  const [claim] = await scene.claim()
  const { id, epoch } = claim!.attempt
  await settleAttempt(scene, claim!.job.id, { attemptId: id, epoch }, outcome)
  return claim!.job.id
}

describe('a job that needs others', () => {
  test('is pending until the last of them has succeeded, then queued at once', async () => {
    const [a, b] = [await scene.submit(), await scene.submit()]
    const c = await scene.submit({ needs: [a.id, String(b.number)] })
    expect(c).toMatchObject({ state: 'pending', needs: [a.id, b.id] })
    await end(succeeded)
    expect(await state(c.id)).toBe('pending')
    await end(succeeded)
    expect(await state(c.id)).toBe('queued')
    expect((await scene.story(c.id)).map(({ type }) => type)).toEqual([
      'job.created',
      'job.pending',
      'job.queued',
    ])
  })

  test('is queued at once when they have succeeded already', async () => {
    const a = await scene.submit()
    await end(succeeded)
    expect((await scene.submit({ needs: [a.id] })).state).toBe('queued')
  })

  test('fails when one of them fails, and says which; so do those behind it', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    const c = await scene.submit({ needs: [b.id] })
    await end(failed)
    const reason = { code: 'dependency_failed', message: expect.stringContaining(`#${a.number},`) }
    expect(await scene.job(b.id)).toMatchObject({ state: 'failed', reason })
    expect(await scene.job(c.id)).toMatchObject({
      state: 'failed',
      reason: { message: expect.stringContaining(`#${b.number},`) },
    })
    expect((await scene.job(c.id)).finished_at).not.toBeNull()
    expect((await scene.story(c.id)).at(-1)).toMatchObject({ type: 'job.failed' })
  })

  test('fails when one of them is cancelled, also one that was never started', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    await cancelJob(scene, scene.tenant, a.id)
    expect(await scene.job(b.id)).toMatchObject({
      state: 'failed',
      reason: { message: expect.stringContaining('was cancelled') },
    })
  })

  test('fails at once when one of them has failed before', async () => {
    const a = await scene.submit()
    await end(failed)
    expect(await scene.submit({ needs: [a.id] })).toMatchObject({
      state: 'failed',
      reason: { code: 'dependency_failed' },
    })
  })

  test('goes on waiting while one of them is tried again by itself', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    await end({ kind: 'failed', reason: reasonOf('agent_crashed', 'It crashed.') })
    expect(await state(a.id)).toBe('queued')
    expect(await state(b.id)).toBe('pending')
  })

  test('is retried by a person after the needed one, not before', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    await end(failed)
    const before = await scene.job(b.id)
    await expect(retryJob(scene, scene.tenant, b.id)).rejects.toMatchObject({
      code: 'job_state_conflict',
      message: expect.stringContaining(`#${a.number},`),
    })
    expect(await scene.job(b.id)).toEqual(before)
    await retryJob(scene, scene.tenant, a.id)
    await retryJob(scene, scene.tenant, b.id)
    expect(await scene.job(b.id)).toMatchObject({ state: 'pending', reason: null, finished_at: null })
    await end(succeeded)
    expect(await state(b.id)).toBe('queued')
  })

  test('waits for its time, too', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id], runAt: new Date(Date.now() + 3600_000) })
    await end(succeeded)
    await sweepDependents(scene)
    await releaseDueJobs(scene)
    expect(await state(b.id)).toBe('pending')
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`update jobs set run_at = now() where id = ${b.id}`),
    )
    expect(await releaseDueJobs(scene)).toBe(1)
    expect(await state(b.id)).toBe('queued')
  })

  test('is found by the sweep when nobody told it', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    const c = await scene.submit({ needs: [b.id] })
    const say = (id: string, state: JobState) =>
      scene.database.acrossOrganizations(tx => tx.run(sql`update jobs set state = ${state} where id = ${id}`))
    await say(a.id, 'succeeded')
    expect(await sweepDependents(scene)).toBe(1)
    expect(await state(b.id)).toBe('queued')
    await say(b.id, 'failed')
    expect(await sweepDependents(scene)).toBe(1)
    expect(await state(c.id)).toBe('failed')
    expect(await sweepDependents(scene)).toBe(0)
  })

  test('fails when one of them was removed', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id] })
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from jobs where id = ${a.id}`))
    await sweepDependents(scene)
    expect(await scene.job(b.id)).toMatchObject({ state: 'failed', reason: { code: 'dependency_failed' } })
  })

  test('finds the needed ones in its own organization alone', async () => {
    const stranger = await scene.addTenant('stranger')
    const theirs = await scene.submit({}, stranger)
    await expect(scene.submit({ needs: [theirs.id] })).rejects.toMatchObject({ code: 'job_not_found' })
  })

  test('can start from the result of one of them, within its repository', async () => {
    const a = await scene.submit()
    expect(await scene.submit({ baseFrom: a.id })).toMatchObject({
      needs: [a.id],
      baseFrom: a.id,
      state: 'pending',
    })
    await expect(scene.submit({ baseFrom: a.id, baseBranch: 'main' })).rejects.toMatchObject({
      code: 'validation_failed',
    })
  })

  test('is never overlooked while what it needs ends at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const a = await scene.submit()
      const [claim] = await scene.claim()
      const { id: attemptId, epoch } = claim!.attempt
      const [, b] = await Promise.all([
        settleAttempt(scene, a.id, { attemptId, epoch }, succeeded),
        scene.submit({ needs: [a.id] }),
      ])
      expect(await state(b.id)).toBe('queued')
      await end(succeeded)
    }
  })

  test('of many that end at once is queued exactly once', async () => {
    const needed = await Promise.all(Array.from({ length: 12 }, () => scene.submit()))
    const c = await scene.submit({ needs: needed.map(({ id }) => id) })
    const claims = await scene.claim(12)
    await Promise.all(
      claims.map(({ job, attempt: { id, epoch } }) =>
        settleAttempt(scene, job.id, { attemptId: id, epoch }, succeeded),
      ),
    )
    expect((await scene.story(c.id)).filter(({ type }) => type === 'job.queued')).toHaveLength(1)
  })
})

describe('a batch', () => {
  const submit = (jobs: Array<{ key?: string; needs?: string[]; repositoryId?: string; runAt?: Date }>) =>
    submitBatch(
      scene,
      scene.tenant,
      jobs.map(job => ({ repositoryId: scene.tenant.repositoryId, task: 'Do it.', ...job })),
      null,
    )

  test('is answered in its order, with numbers in a row', async () => {
    const { body } = await submit([{ key: 'b', needs: ['a'] }, { key: 'a' }, {}])
    const [b, a, c] = body.jobs
    expect(body.jobs.map(({ state }) => state)).toEqual(['pending', 'queued', 'queued'])
    expect(b!.needs).toEqual([a!.id])
    expect([a!.number, c!.number]).toEqual([b!.number + 1, b!.number + 2])
  })

  test('with a cycle makes no job', async () => {
    await expect(submit([{ key: 'a', needs: ['b'] }, { key: 'b', needs: ['a'] }, {}])).rejects.toMatchObject({
      code: 'needs_cycle',
      message: expect.stringContaining('a → b → a'),
    })
    expect(await scene.jobs()).toEqual([])
  })

  test.each([
    ['a key that is not there', { needs: ['nobody'] }, 'job_not_found'],
    ['another repository', { repositoryId: '00000000-0000-7000-8000-000000000000' }, 'repository_not_found'],
    ['a time that has passed', { runAt: new Date(0) }, 'run_at_invalid'],
  ])('with %s makes no job, and names the place', async (_what, wrong, code) => {
    await expect(submit([{}, wrong])).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^jobs\.1: /),
    })
    expect(await scene.jobs()).toEqual([])
  })

  test('of a hundred is one answer to one key', async () => {
    const jobs = Array.from({ length: 100 }, () => ({
      repositoryId: scene.tenant.repositoryId,
      task: 'Do it.',
    }))
    const once = { key: 'batch', requestHash: 'h' }
    const answers = await Promise.all([1, 2].map(() => submitBatch(scene, scene.tenant, jobs, once)))
    expect(answers[1]).toEqual(answers[0])
    expect(await scene.jobs()).toHaveLength(100)
  })
})

describe('graphs of needs', () => {
  /** Job n needs some of the jobs before it; each ends well, badly or is cancelled. */
  const graph = fc
    .array(
      fc.record({
        needs: fc.array(fc.nat(), { maxLength: 3 }),
        end: fc.constantFrom(
          'succeeded' as const,
          'succeeded' as const,
          'failed' as const,
          'cancelled' as const,
        ),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map(nodes =>
      nodes.map((node, index) => ({
        ...node,
        needs: index === 0 ? [] : [...new Set(node.needs.map(n => n % index))],
      })),
    )

  test('end with every job at its end, none started before what it needs had succeeded', async () => {
    await fc.assert(
      fc.asyncProperty(graph, async nodes => {
        await scene.removeJobs()
        const { body } = await submitBatch(
          scene,
          scene.tenant,
          nodes.map(({ needs }, index) => ({
            repositoryId: scene.tenant.repositoryId,
            task: 'Do it.',
            key: `k${index}`,
            needs: needs.map(n => `k${n}`),
          })),
          null,
        )
        const ids = body.jobs.map(({ id }) => id)
        for (;;) {
          const claims = await scene.claim(4)
          if (claims.length === 0) break
          for (const { job } of claims)
            for (const needed of job.needs) expect(await state(needed)).toBe('succeeded')
          await Promise.all(
            claims.map(async ({ job, attempt: { id: attemptId, epoch } }) => {
              const wanted = nodes[ids.indexOf(job.id)]!.end
              const outcome = { succeeded, failed, cancelled: { kind: 'cancelled' } as const }[wanted]
              await settleAttempt(scene, job.id, { attemptId, epoch }, outcome)
            }),
          )
        }
        const jobs = new Map((await scene.jobs()).map(job => [job.id, job]))
        for (const [index, id] of ids.entries()) {
          const job = jobs.get(id)!
          expect(isTerminal(job.state)).toBe(true)
          const isLost = job.needs.some(needed => jobs.get(needed)!.state !== 'succeeded')
          expect(job.state).toBe(isLost ? 'failed' : nodes[index]!.end)
          expect(job.attempt).toBe(isLost ? 0 : 1)
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('a change', () => {
  const change = (id: string, what: Parameters<typeof changeJob>[3]) =>
    changeJob(scene, scene.tenant, id, what)

  test('of the priority moves a job within the queue', async () => {
    const [, second] = [await scene.submit(), await scene.submit()]
    await change(second.id, { priority: 'high' })
    expect((await scene.claim())[0]?.job.id).toBe(second.id)
    expect((await scene.story(second.id)).find(({ type }) => type === 'job.changed')?.data).toEqual({
      by: scene.tenant.userId,
      priority: 'high',
    })
  })

  test('of the time puts a queued job off, and brings it back', async () => {
    const { id } = await scene.submit()
    const runAt = new Date(Date.now() + 3600_000)
    expect(await change(id, { runAt })).toMatchObject({ state: 'pending', run_at: runAt })
    expect(await scene.claim()).toEqual([])
    expect(await change(id, { runAt: null })).toMatchObject({ state: 'queued', run_at: null })
    expect(await scene.claim()).toHaveLength(1)
  })

  test('of the time starts no job before what it needs', async () => {
    const a = await scene.submit()
    const b = await scene.submit({ needs: [a.id], runAt: new Date(Date.now() + 3600_000) })
    expect(await change(b.id, { runAt: null })).toMatchObject({ state: 'pending', run_at: null })
  })

  test.each([
    [{ priority: 'high' as const }],
    [{ runAt: null }],
  ])('%j of a running job is refused, and names the state', async what => {
    const { id } = await scene.submit()
    await scene.claim()
    const before = await scene.job(id)
    await expect(change(id, what)).rejects.toMatchObject({
      code: 'job_state_conflict',
      message: expect.stringContaining('is running'),
    })
    expect(await scene.job(id)).toEqual(before)
  })

  test('of the budget is possible until the end, but not below what is spent', async () => {
    const { id } = await scene.submit({ budgetUsd: 1 })
    await scene.claim()
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`update jobs set cost_usd = 0.75 where id = ${id}`),
    )
    expect(await change(id, { budgetUsd: 5 })).toMatchObject({ budget_usd: 5, state: 'running' })
    await expect(change(id, { budgetUsd: 0.5 })).rejects.toMatchObject({
      code: 'budget_below_spent',
      message: expect.stringContaining('$0.75'),
    })
    expect(await change(id, { budgetUsd: null })).toMatchObject({ budget_usd: null })
    await cancelJob(scene, scene.tenant, id)
    const { id: attemptId, epoch } = (await scene.liveAttempt(id))!
    await settleAttempt(scene, id, { attemptId, epoch }, succeeded)
    await expect(change(id, { budgetUsd: 9 })).rejects.toMatchObject({ code: 'job_state_conflict' })
  })
})

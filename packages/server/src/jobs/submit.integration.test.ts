import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeRepository } from '../repositories/remove.ts'
import { releaseDueJobs } from './dependents.ts'
import type { Submission } from './submission.ts'
import { submitJob } from './submit.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())

const submission = (fields: Partial<Submission> = {}): Submission => ({
  repositoryId: scene.tenant.repositoryId,
  task: 'Do something.',
  ...fields,
})
const submitOnce = (key: string, requestHash: string, fields: Partial<Submission> = {}) =>
  submitJob(scene, scene.tenant, submission(fields), { key, requestHash })
const refusal = (fields: Partial<Submission>) => submitJob(scene, scene.tenant, submission(fields), null)

const UNKNOWN_ID = '00000000-0000-7000-8000-000000000000'

describe('submitting a job', () => {
  test('its story begins with two numbered events', async () => {
    const { id, state } = await scene.submit({ task: 'Fix it.' })
    expect(state).toBe('queued')
    expect(await scene.story(id)).toMatchObject([
      { seq: 1, type: 'job.created', attempt: 0, data: { task: 'Fix it.', baseBranch: 'main' } },
      { seq: 2, type: 'job.queued', attempt: 0 },
    ])
  })

  test('an unknown repository is named', async () => {
    await expect(refusal({ repositoryId: UNKNOWN_ID })).rejects.toMatchObject({
      code: 'repository_not_found',
    })
  })

  test("another organization's repository is unknown", async () => {
    const other = await scene.addTenant('stranger')
    await expect(refusal({ repositoryId: other.repositoryId })).rejects.toMatchObject({
      code: 'repository_not_found',
    })
  })

  test.each([
    { branch: '-u' },
    { branch: 'a..b' },
    { baseBranch: 'refs/heads/main' },
    { baseBranch: 'line\nbreak' },
    { branch: 'same', baseBranch: 'same' },
  ])('$branch from $baseBranch is refused', async fields => {
    await expect(refusal(fields)).rejects.toMatchObject({ code: 'branch_name_invalid' })
  })

  test.each(['gpt-4', 'claude-', 'claude-x\n--help', '--model'])('the model %s is refused', async model => {
    await expect(refusal({ model })).rejects.toMatchObject({ code: 'model_not_allowed' })
  })

  test.each(['opus', 'claude-sonnet-4-5', 'sonnet[1m]'])('the model %s is taken', async model => {
    const { id } = await scene.submit({ model })
    expect((await scene.job(id)).model).toBe(model)
  })

  test('text that Postgres can not hold is kept with stand-ins', async () => {
    const { id } = await scene.submit({ task: 'a\0b \ud800', environment: { A: '\0\udc00' } })
    const job = await scene.job(id)
    expect(job.task).toBe('a\u2400b \ufffd')
    expect(job.environment).toEqual({ A: '\u2400\ufffd' })
    expect((await scene.story(id))[0]?.data).toMatchObject({ task: 'a\u2400b \ufffd' })
  })

  test('50 submissions at once get 50 numbers', async () => {
    const jobs = await Promise.all(Array.from({ length: 50 }, () => scene.submit()))
    expect(new Set(jobs.map(job => job.number)).size).toBe(50)
  })
})

describe('an Idempotency-Key', () => {
  test('gives the same answer to the same request', async () => {
    const [first, again] = [await submitOnce('k1', 'h'), await submitOnce('k1', 'h')]
    expect(again.body).toEqual(first.body)
  })

  test('is refused with another request', async () => {
    await submitOnce('k2', 'h')
    await expect(submitOnce('k2', 'other')).rejects.toMatchObject({ code: 'idempotency_key_reused' })
  })

  test('20 requests at once make one job', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => submitOnce('k3', 'h')))
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(1)
  })

  test('is free again after a failure', async () => {
    const failed = submitOnce('k4', 'h', { repositoryId: UNKNOWN_ID })
    await expect(failed).rejects.toMatchObject({ code: 'repository_not_found' })
    expect((await submitOnce('k4', 'h2')).status).toBe(201)
  })

  test('belongs to its organization', async () => {
    const other = await scene.addTenant('same-key')
    const mine = await submitOnce('k5', 'h')
    const theirs = await submitJob(scene, other, submission({ repositoryId: other.repositoryId }), {
      key: 'k5',
      requestHash: 'other',
    })
    expect(theirs.body).not.toEqual(mine.body)
  })
})

describe('a job for later', () => {
  test('is pending until its time, then queued', async () => {
    const { id, state } = await scene.submit({ runAt: new Date(Date.now() + 400) })
    expect(state).toBe('pending')
    await releaseDueJobs(scene)
    expect((await scene.job(id)).state).toBe('pending')
    await expect.poll(() => releaseDueJobs(scene), { interval: 50 }).toBe(1)
    expect((await scene.job(id)).state).toBe('queued')
    expect((await scene.story(id)).map(event => event.type)).toEqual([
      'job.created',
      'job.pending',
      'job.queued',
    ])
  })

  test('whose time has just passed is queued at once', async () => {
    expect((await scene.submit({ runAt: new Date(Date.now() - 30_000) })).state).toBe('queued')
  })

  test.each([
    new Date('2020-01-01T00:00:00Z'),
    new Date('3000-01-01T00:00:00Z'),
  ])('that should start at %s is refused, and there is no job', async runAt => {
    const before = (await scene.jobs()).length
    await expect(scene.submit({ runAt })).rejects.toMatchObject({ code: 'run_at_invalid', status: 422 })
    expect(await scene.jobs()).toHaveLength(before)
  })
})

describe('a repository that is removed', () => {
  const files = {
    createHosted: async () => {},
    remove: async () => {},
    diff: async () => Promise.reject(),
    mirrorBytes: async () => 0,
  }

  test('goes only when none of its jobs is unfinished, also of one that is being submitted', async () => {
    for (let round = 0; round < 10; round += 1) {
      const tenant = await scene.addTenant(`removing-${round}`)
      const [submitted, removed] = await Promise.allSettled([
        scene.submit({}, tenant),
        removeRepository({ database: scene.database, files }, tenant.organizationId, tenant.repositoryId),
      ])
      // Of the two one wins; the other is told why it can't be.
      if (submitted.status === 'fulfilled') {
        expect(removed).toMatchObject({ status: 'rejected', reason: { code: 'repository_busy' } })
        expect((await scene.job(submitted.value.id)).state).toBe('queued')
      } else {
        expect(submitted.reason).toMatchObject({ code: 'repository_not_found' })
        expect(removed.status).toBe('fulfilled')
      }
    }
  })
})

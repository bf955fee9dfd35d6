import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { addCommand, findAttempt } from '../store/attempts.ts'
import type { Repositories } from './ports.ts'
import type { Submission } from './submission.ts'
import { startEngine } from './testing-engine.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

const HEAD = 'b'.repeat(40)

/** An engine whose agents push one commit each; `kept` and `published` say what became of it. */
async function engine({ has = true }: { has?: boolean } = {}) {
  const kept: string[] = []
  const published: string[] = []
  const repositories: Partial<Repositories> = {
    pushedBy: async () => HEAD,
    publish: async (_repository, { branch, commit }) => void published.push(`${branch} ${commit}`),
    keep: async (_repository, _jobId, as, commit) => {
      kept.push(`${as} ${commit}`)
      return has
    },
  }
  const started = await startEngine(scene, { repositories })
  onTestFinished(() => started.close())
  return { kept, published }
}
async function finished(submission: Partial<Submission> = {}) {
  const { id } = await scene.submit(submission)
  await expect
    .poll(async () => (await scene.job(id)).finished_at, { interval: 20, timeout: 10_000 })
    .not.toBeNull()
  return scene.job(id)
}
const types = async (id: string) => (await scene.story(id)).map(({ type }) => type)

describe('a job that may take an earlier result', () => {
  test('succeeds with it, without a container, on a branch of its own, and says whose it is', async () => {
    const { kept, published } = await engine()
    const first = await finished()
    const again = await finished({ cache: true })
    expect(again).toMatchObject({
      state: 'succeeded',
      result: first.result,
      head_commit: HEAD,
      cached_from: first.id,
      cached_from_number: first.number,
      cost_usd: 0,
    })
    expect(await types(again.id)).not.toContain('job.stage starting_container')
    expect((await findLast(again.id)).containers).toEqual({})
    expect(kept).toEqual([`head ${HEAD}`])
    expect(published).toEqual([`${first.branch} ${HEAD}`, `${again.branch} ${HEAD}`])
    expect((await scene.story(again.id)).at(-2)).toMatchObject({
      type: 'result.reused',
      data: { jobId: first.id, number: first.number },
    })
    const third = await finished({ cache: true })
    expect(third.cached_from).toBe(first.id)
  })

  test('works itself when nobody asked for an earlier one', async () => {
    await engine()
    await finished()
    expect((await finished()).cached_from).toBeNull()
  })

  test('works itself when the settings are others', async () => {
    await engine()
    await finished()
    expect((await finished({ cache: true, environment: { A: '1' } })).cached_from).toBeNull()
  })

  test('works itself when the commit of the earlier one is gone', async () => {
    await engine({ has: false })
    await finished()
    expect(await finished({ cache: true })).toMatchObject({ state: 'succeeded', cached_from: null })
  })

  test('works itself when the earlier one failed', async () => {
    await engine()
    const mark = { task: '[dummy: fail setup_failed]' }
    expect((await finished(mark)).state).toBe('failed')
    expect(await finished({ ...mark, cache: true })).toMatchObject({ state: 'failed', cached_from: null })
  })

  test('works itself when a person had a hand in the earlier one', async () => {
    await engine()
    const first = await finished()
    const attempt = await findLast(first.id)
    await scene.database.acrossOrganizations(tx => addCommand(tx, attempt, { type: 'interrupt' }))
    expect((await finished({ cache: true })).cached_from).toBeNull()
  })
})

async function findLast(jobId: string) {
  return scene.database.acrossOrganizations(async tx => {
    const row = await tx.first<{ id: string }>(
      sql`select id from attempts where job_id = ${jobId} order by number desc limit 1`,
    )
    return (await findAttempt(tx, row!.id))!
  })
}

describe('a job that starts from the result of another', () => {
  test('starts at its commit, kept for it', async () => {
    const { kept } = await engine()
    const first = await finished()
    const next = await finished({ baseFrom: first.id })
    expect(next).toMatchObject({ state: 'succeeded', base_commit: HEAD, base_branch: first.branch })
    expect(kept).toEqual([`base ${HEAD}`])
  })

  test('fails by name when the commit is gone', async () => {
    await engine({ has: false })
    const first = await finished()
    const next = await finished({ baseFrom: first.id })
    expect(next).toMatchObject({
      state: 'failed',
      reason: { code: 'base_not_found', message: expect.stringContaining(`#${first.number}`) },
    })
  })
})

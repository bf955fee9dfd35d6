import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
beforeEach(() => scene.removeJobs())
afterAll(() => scene.close())

describe('claiming', () => {
  test('takes high before normal before low, and older before newer', async () => {
    const submitted: string[] = []
    for (const priority of ['low', 'normal', 'high', 'normal'] as const)
      submitted.push((await scene.submit({ priority })).id)
    const [low, normal, high, later] = submitted
    const claims = await scene.claim(10)
    expect(claims.map(({ job }) => job.id)).toEqual([high, normal, later, low])
  })

  test('takes no more than asked for', async () => {
    await Promise.all([scene.submit(), scene.submit(), scene.submit()])
    expect(await scene.claim(2)).toHaveLength(2)
    expect(await scene.claim(2)).toHaveLength(1)
    expect(await scene.claim(2)).toHaveLength(0)
  })

  test('starts the job: state, attempt, lease and story', async () => {
    const { id } = await scene.submit({ timeoutSeconds: 60 })
    const [claim] = await scene.claim()
    expect(claim?.job).toMatchObject({ id, state: 'running', attempt: 1, stage: 'preparing_repository' })
    expect(claim?.attempt).toMatchObject({ job_id: id, number: 1, epoch: 1, ended_at: null })
    expect(claim!.attempt.deadline_at.getTime() - claim!.attempt.started_at.getTime()).toBe(60_000)
    expect((await scene.story(id)).map(({ seq, type }) => `${seq} ${type}`)).toEqual([
      '1 job.created',
      '2 job.queued',
      '3 job.started',
      '4 attempt.started',
      '5 job.stage',
    ])
  })

  test('4 claimers share 1,000 jobs without taking one twice', async () => {
    const { id } = await scene.submit()
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`
        insert into jobs (id, organization_id, repository_id, number, state, task, branch, timeout_seconds, max_attempts, queued_at)
        select gen_random_uuid(), organization_id, repository_id, number + n, state, task, branch, 60, 1, now()
        from jobs, generate_series(1, 999) n where id = ${id}`),
    )
    const claimed: string[] = []
    const claimer = async () => {
      for (;;) {
        const claims = await scene.claim(7)
        if (claims.length === 0) return
        claimed.push(...claims.map(({ job }) => job.id))
      }
    }
    await Promise.all([claimer(), claimer(), claimer(), claimer()])
    expect(claimed).toHaveLength(1000)
    expect(new Set(claimed).size).toBe(1000)
  })
})

import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Claim } from './claim.ts'
import { settleAttempt } from './settle.ts'
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
        select gen_random_uuid(), organization_id, repository_id, number + n, state, task, branch || n, 60, 1, now()
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

describe('fairness between organizations', () => {
  test("one's flood does not delay another's first job, whatever its priority", async () => {
    const other = await scene.addTenant('late')
    for (let n = 0; n < 12; n += 1) await scene.submit({ priority: 'high' })
    const { id } = await scene.submit({ priority: 'low' }, other)
    const [first, second] = await scene.claim(2)
    expect([first?.job.organization_id, second?.job.id]).toEqual([scene.tenant.organizationId, id])
  })

  test('who has less running comes first, then by turns', async () => {
    const other = await scene.addTenant('second')
    for (let n = 0; n < 6; n += 1) await scene.submit()
    await scene.claim(2)
    for (let n = 0; n < 4; n += 1) await scene.submit({}, other)
    const order = (await scene.claim(6)).map(({ job }) => job.organization_id === other.organizationId)
    expect(order).toEqual([true, true, false, true, false, true])
  })
})

describe('limits', () => {
  const limitOrganization = (maxRunning: number) =>
    scene.database.acrossOrganizations(tx =>
      tx.run(sql`
        insert into organization_limits (organization_id, max_running)
        values (${scene.tenant.organizationId}, ${maxRunning})`),
    )
  const limitRepository = (maxRunning: number | null) =>
    scene.database.acrossOrganizations(tx =>
      tx.run(
        sql`update repositories set max_running = ${maxRunning} where id = ${scene.tenant.repositoryId}`,
      ),
    )
  afterEach(async () => {
    await limitRepository(null)
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from organization_limits`))
  })
  const finish = ({ job, attempt }: Claim) =>
    settleAttempt(scene, job.id, { attemptId: attempt.id, epoch: attempt.epoch }, { kind: 'cancelled' })

  test.each([
    ['an organization', limitOrganization],
    ['a repository', limitRepository],
  ])('%s has no more running than it may, however many claim at once', async (_of, limit) => {
    await limit(3)
    for (let n = 0; n < 8; n += 1) await scene.submit()
    const claims = (
      await Promise.all([scene.claim(2), scene.claim(2), scene.claim(2), scene.claim(9)])
    ).flat()
    expect(claims).toHaveLength(3)
    expect(await scene.claim(9)).toEqual([])
    await finish(claims[0]!)
    expect(await scene.claim(9)).toHaveLength(1)
  })

  test('a full repository does not hold up the others of its organization', async () => {
    await limitRepository(1)
    const other = await scene.addTenant('unlimited')
    for (let n = 0; n < 3; n += 1) await scene.submit()
    for (let n = 0; n < 3; n += 1) await scene.submit({}, other)
    const claims = [...(await scene.claim(4)), ...(await scene.claim(4))]
    expect(claims).toHaveLength(4)
  })

  test('a branch has one job at a time; the next takes it when it is free', async () => {
    const first = await scene.submit({ branch: 'same' })
    const second = await scene.submit({ branch: 'same' })
    const elsewhere = await scene.submit({ branch: 'else' })
    const claims = await scene.claim(9)
    expect(claims.map(({ job }) => job.id)).toEqual([first.id, elsewhere.id])
    expect(await scene.claim(9)).toEqual([])
    await finish(claims[0]!)
    expect((await scene.claim(9)).map(({ job }) => job.id)).toEqual([second.id])
  })
})

import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { queuePosition } from '../store/queue.ts'
import { registerWorker, removeWorker } from '../store/workers.ts'
import { endOverdueJobs } from './queue-timeout.ts'
import { createScene, type Scene, type Tenant } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

const ask = (query: ReturnType<typeof sql>) => scene.database.acrossOrganizations(tx => tx.run(query))
const waited = (id: string, seconds: number) =>
  ask(sql`update jobs set queued_at = now() - make_interval(secs => ${seconds}) where id = ${id}`)

describe('a job that waits in the queue for longer than it may', () => {
  test('fails, and its dependents with it', async () => {
    const { id } = await scene.submit({ queueTimeoutSeconds: 60 })
    const { id: dependent } = await scene.submit({ needs: [id] })
    await waited(id, 50)
    expect(await endOverdueJobs(scene, 60)).toBe(0)
    await waited(id, 70)
    expect(await endOverdueJobs(scene, 60)).toBe(1)
    expect(await scene.job(id)).toMatchObject({
      state: 'failed',
      reason: { message: 'The job waited 60 seconds in the queue: no worker was there to take it.' },
    })
    expect((await scene.story(id)).at(-1)).toMatchObject({
      type: 'job.failed',
      data: { reason: { code: 'no_capacity' } },
    })
    expect((await scene.job(dependent)).state).toBe('failed')
  })

  test('has a week when it says nothing itself', async () => {
    const { id } = await scene.submit()
    await waited(id, 6 * 24 * 3600)
    expect(await endOverdueJobs(scene, 60)).toBe(0)
    await waited(id, 8 * 24 * 3600)
    expect(await endOverdueJobs(scene, 60)).toBe(1)
  })

  describe('says what held it back', () => {
    const worker = {
      id: crypto.randomUUID(),
      version: 't',
      executor: 'dummy',
      host: 'h',
      pid: 1,
      concurrency: 1,
      facts: {},
    }
    beforeAll(() => scene.database.acrossOrganizations(tx => registerWorker(tx, worker)))
    afterAll(() => scene.database.acrossOrganizations(tx => removeWorker(tx, worker.id)))
    afterEach(async () => {
      await ask(sql`update repositories set max_running = null`)
      await ask(sql`delete from organization_limits`)
    })
    const whyAfter = async (prepare: () => Promise<unknown>, branch?: string) => {
      const running = await scene.submit({ branch: 'taken' })
      await scene.claim()
      await prepare()
      const { id } = await scene.submit({ queueTimeoutSeconds: 1, ...(branch && { branch }) })
      await waited(id, 2)
      await endOverdueJobs(scene, 60)
      return (await scene.job(id)).reason!.message.replace(`#${running.number}`, '#1')
    }

    test('a busy branch', async () => {
      expect(await whyAfter(async () => {}, 'taken')).toContain('job #1 works on the same branch')
    })
    test('the limit of its repository', async () => {
      expect(await whyAfter(() => ask(sql`update repositories set max_running = 1`))).toContain(
        'its repository runs 1 jobs at once, as many as it may',
      )
    })
    test('the limit of its organization', async () => {
      const limit = sql`insert into organization_limits values (${scene.tenant.organizationId}, 1)`
      expect(await whyAfter(() => ask(limit))).toContain('its organization runs 1 jobs at once')
    })
    test('busy workers', async () => {
      expect(await whyAfter(async () => {})).toContain('every worker was busy')
    })
  })
})

describe('the place in the queue', () => {
  const positionOf = (id: string) => scene.database.acrossOrganizations(tx => queuePosition(tx, { id }))
  const submitMany = async (count: number, by?: Tenant, priority?: 'high') => {
    const ids: string[] = []
    for (let n = 0; n < count; n += 1) ids.push((await scene.submit(priority ? { priority } : {}, by)).id)
    return ids
  }

  test('is the order in which claims take the jobs of all organizations', async () => {
    const second = await scene.addTenant('queue-second')
    const third = await scene.addTenant('queue-third')
    await submitMany(2, second)
    await scene.claim(2)
    const ids = [
      ...(await submitMany(5)),
      ...(await submitMany(3, second)),
      ...(await submitMany(2, third, 'high')),
      ...(await submitMany(1)),
    ]
    const positions = await Promise.all(ids.map(positionOf))
    const claimed: string[] = []
    for (let n = 0; n < ids.length; n += 1) claimed.push(...(await scene.claim(1)).map(({ job }) => job.id))
    expect(ids.toSorted((a, b) => positions[ids.indexOf(a)]! - positions[ids.indexOf(b)]!)).toEqual(claimed)
    expect(positions.toSorted((a, b) => a - b)).toEqual(ids.map((_, index) => index + 1))
  })
})

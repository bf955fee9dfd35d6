import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { settleAttempt } from '../jobs/settle.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import { removeRepository } from '../repositories/remove.ts'
import { insertRun, listRuns, type ScheduleRow } from '../store/schedules.ts'
import { fireDueSchedules, runScheduleNow } from './fire.ts'
import { changeSchedule, createSchedule, removeSchedule, type Wanted } from './save.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(async () => {
  await scene.removeJobs()
  await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedules`))
})
afterAll(() => scene.close())

const log = pino({ level: 'silent' })
const fire = () => fireDueSchedules({ ...scene, log })

const create = async (wanted: Partial<Wanted> = {}, by = scene.tenant): Promise<ScheduleRow> => {
  const schedule: Wanted = {
    name: `nightly ${crypto.randomUUID()}`,
    repositoryId: by.repositoryId,
    cron: '* * * * *',
    timezone: 'UTC',
    job: { task: 'Bring the dependencies up to date.', verify: ['npm test'] },
    overlap: 'skip',
    missed: 'run_once',
    enabled: true,
    ...wanted,
  }
  return (await createSchedule(scene.database, by, schedule, null, row => row)).body
}
/** As if this much time had passed since the last look. */
const passTime = (id: string, interval: string) =>
  scene.database.acrossOrganizations(tx =>
    tx.run(sql`
      update schedules set next_run_at = date_trunc('minute', now() - ${interval}::interval) where id = ${id}`),
  )
const row = async (id: string): Promise<ScheduleRow> =>
  (await scene.database.acrossOrganizations(tx =>
    tx.first<ScheduleRow>(sql`select * from schedules where id = ${id}`),
  ))!
const runs = (id: string) =>
  scene.database.acrossOrganizations(tx => listRuns(tx, scene.tenant.organizationId, id, 100))
const jobsOf = async (id: string) =>
  (await scene.jobs()).filter(job => job.schedule_id === id).sort((a, b) => a.number - b.number)

/** Lets it be due, once. */
const due = async (id: string) => {
  await passTime(id, '1 minute')
  await fire()
}
const finish = async () => {
  const [claim] = await scene.claim()
  const { id: attemptId, epoch } = claim!.attempt
  const result = { summary: '', filesChanged: 0, insertions: 0, deletions: 0, verify: [] }
  await settleAttempt(
    scene,
    claim!.job.id,
    { attemptId, epoch },
    { kind: 'succeeded', headCommit: null, result },
  )
}

describe('a schedule that is due', () => {
  test('submits its job, says so, and is due again at the next time', async () => {
    const { id } = await create()
    await due(id)
    const [job] = await jobsOf(id)
    expect(job).toMatchObject({
      state: 'queued',
      task: 'Bring the dependencies up to date.',
      verify: ['npm test'],
      created_by: scene.tenant.userId,
    })
    const after = await row(id)
    expect(after).toMatchObject({ last_job_id: job!.id, last_error: null })
    expect(after.last_run_at).not.toBeNull()
    expect(after.next_run_at!.getTime()).toBeGreaterThan(Date.now())
    expect(await runs(id)).toMatchObject([{ outcome: 'submitted', job_id: job!.id }])
    expect(await fire()).toBe(0)
  })

  test('submits one job, however many processes look at once', async () => {
    const { id } = await create()
    await passTime(id, '1 minute')
    await Promise.all(Array.from({ length: 8 }, fire))
    expect(await jobsOf(id)).toHaveLength(1)
    expect(await runs(id)).toHaveLength(1)
  })

  test('submits no job when its run can not be written, and one when it is tried again', async () => {
    const schedule = await create()
    await passTime(schedule.id, '1 minute')
    const { next_run_at } = await row(schedule.id)
    const last = new Date(Math.floor(Date.now() / 60_000) * 60_000)
    for (const due_at of [next_run_at!, last])
      await scene.database.acrossOrganizations(tx =>
        insertRun(tx, schedule, { due_at, outcome: 'missed', job_id: null, message: null }),
      )
    expect(await fire()).toBe(0)
    expect(await jobsOf(schedule.id)).toEqual([])
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    expect(await fire()).toBe(1)
    expect(await jobsOf(schedule.id)).toHaveLength(1)
  })

  test('makes one job for each due time, also when connections break in the middle', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await create()
      await passTime(id, '1 minute')
      await Promise.allSettled([fire(), fire(), scene.breakConnections()])
      await expect.poll(() => fire().catch(() => 'broken'), { interval: 20 }).toBe(0)
      expect(await jobsOf(id)).toHaveLength(1)
      expect(await runs(id)).toMatchObject([{ outcome: 'submitted' }])
    }
  })

  test('is not run while it is paused, and owes nothing when it is resumed', async () => {
    const { id } = await create()
    await changeSchedule(scene.database, scene.tenant, id, { enabled: false })
    expect((await row(id)).next_run_at).toBeNull()
    await fire()
    await changeSchedule(scene.database, scene.tenant, id, { enabled: true })
    await fire()
    expect(await jobsOf(id)).toEqual([])
    expect((await row(id)).next_run_at!.getTime()).toBeGreaterThan(Date.now())
  })

  test('belongs to its organization', async () => {
    const stranger = await scene.addTenant('stranger')
    const { id } = await create({}, stranger)
    await due(id)
    expect((await jobsOf(id))[0]).toMatchObject({ organization_id: stranger.organizationId, number: 1 })
    await expect(removeSchedule(scene.database, scene.tenant, id)).rejects.toMatchObject({
      code: 'schedule_not_found',
    })
  })
})

describe('a run that was missed', () => {
  test('is made up for once, whatever number there were', async () => {
    const { id } = await create({ cron: '0 * * * *', missed: 'run_once' })
    await passTime(id, '7 hours')
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`update schedules set next_run_at = date_trunc('hour', next_run_at) where id = ${id}`),
    )
    await fire()
    await fire()
    expect(await jobsOf(id)).toHaveLength(1)
  })

  test('is skipped when the schedule says so', async () => {
    const { id } = await create({ cron: '0 0 1 1 *', missed: 'skip' })
    await passTime(id, '2 hours')
    await fire()
    expect(await jobsOf(id)).toEqual([])
    expect(await runs(id)).toMatchObject([
      { outcome: 'missed', message: expect.stringContaining('did not run') },
    ])
    expect((await row(id)).next_run_at!.getTime()).toBeGreaterThan(Date.now())
  })

  test('by a few minutes is none', async () => {
    const { id } = await create({ cron: '0 0 1 1 *', missed: 'skip' })
    await passTime(id, '3 minutes')
    await fire()
    expect(await jobsOf(id)).toHaveLength(1)
  })
})

describe('a run while the one before is unfinished', () => {
  test('is left out by default, and says why', async () => {
    const { id } = await create({ overlap: 'skip' })
    await due(id)
    await scene.claim()
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    await due(id)
    const jobs = await jobsOf(id)
    expect(jobs).toHaveLength(1)
    expect(await runs(id)).toMatchObject([
      { outcome: 'skipped', message: expect.stringContaining(`#${jobs[0]!.number}`) },
    ])
  })

  test('stands behind it, and starts when it has ended, however', async () => {
    const { id } = await create({ overlap: 'queue' })
    await due(id)
    await scene.claim()
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    await due(id)
    const [first, second] = await jobsOf(id)
    expect(second).toMatchObject({ state: 'pending', start_after: first!.id })
    expect(await scene.claim()).toEqual([])
    const { id: attemptId, epoch } = (await scene.liveAttempt(first!.id))!
    await settleAttempt(scene, first!.id, { attemptId, epoch }, { kind: 'cancelled' })
    expect((await scene.job(second!.id)).state).toBe('queued')
  })

  test('takes its place', async () => {
    const { id } = await create({ overlap: 'cancel_previous' })
    await due(id)
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    await due(id)
    expect((await jobsOf(id)).map(({ state }) => state)).toEqual(['cancelled', 'queued'])
  })

  test('is none when the one before has ended', async () => {
    const { id } = await create({ overlap: 'skip' })
    await due(id)
    await finish()
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    await due(id)
    expect(await jobsOf(id)).toHaveLength(2)
  })
})

describe('a schedule that can not run', () => {
  test('because its repository was removed says so, and runs again with another one', async () => {
    const tenant = await scene.addTenant(`moved-${crypto.randomUUID()}`)
    const { id } = await create({}, tenant)
    const files = {
      createHosted: async () => {},
      remove: async () => {},
      diff: async () => Promise.reject(),
      mirrorBytes: async () => 0,
    }
    await removeRepository({ ...scene, files }, tenant.organizationId, tenant.repositoryId)
    await due(id)
    expect(await row(id)).toMatchObject({
      repository_id: null,
      last_error: { code: 'repository_not_found', message: expect.stringContaining('was removed') },
    })
    expect((await row(id)).next_run_at!.getTime()).toBeGreaterThan(Date.now())
  })

  test('because its submission is refused says why, until one succeeds', async () => {
    const { id } = await create()
    const say = (job: object) =>
      scene.database.acrossOrganizations(tx =>
        tx.run(sql`update schedules set job = ${{ ...job }} where id = ${id}`),
      )
    await say({ task: 'x', baseBranch: 'a..b' })
    await due(id)
    expect(await row(id)).toMatchObject({ last_error: { code: 'branch_name_invalid' } })
    expect(await runs(id)).toMatchObject([{ outcome: 'failed', job_id: null }])
    await say({ task: 'x' })
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from schedule_runs`))
    await due(id)
    expect(await row(id)).toMatchObject({ last_error: null })
    expect(await jobsOf(id)).toHaveLength(1)
  })

  test('is not even made', async () => {
    await expect(create({ cron: '0 0 30 2 *' })).rejects.toMatchObject({ code: 'schedule_invalid' })
    await expect(create({ timezone: 'Mars/Phobos' })).rejects.toMatchObject({ code: 'schedule_invalid' })
    await expect(create({ job: { task: 'x', model: 'gpt-4' } })).rejects.toMatchObject({
      code: 'model_not_allowed',
    })
    await expect(create({ repositoryId: crypto.randomUUID() })).rejects.toMatchObject({
      code: 'repository_not_found',
    })
    const { name } = await create()
    await expect(create({ name: name.toUpperCase() })).rejects.toMatchObject({ code: 'schedule_name_taken' })
  })
})

describe('a run that a person wants now', () => {
  test('comes besides the due times, whatever else runs, once for one key', async () => {
    const { id, next_run_at } = await create({ cron: '@yearly' })
    const now = (key: string) => runScheduleNow({ ...scene }, scene.tenant, id, { key, requestHash: key })
    const [first, again, other] = [await now('a'), await now('a'), await now('b')]
    expect(again.body).toEqual(first.body)
    expect(other.body.id).not.toBe(first.body.id)
    expect(await jobsOf(id)).toHaveLength(2)
    expect((await row(id)).next_run_at).toEqual(next_run_at)
  })
})

test('the jobs of a removed schedule stay', async () => {
  const { id } = await create()
  await due(id)
  const [job] = await jobsOf(id)
  await removeSchedule(scene.database, scene.tenant, id)
  expect(await scene.job(job!.id)).toMatchObject({ state: 'queued', schedule_id: null })
})

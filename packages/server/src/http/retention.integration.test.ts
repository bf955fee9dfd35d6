import { pino } from 'pino'
import sql from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cancelJob } from '../jobs/cancel.ts'
import type { Tenant } from '../jobs/testing-scene.ts'
import { deleteDoomedObjects } from '../live/doomed-objects.ts'
import { sealEndedJobs } from '../live/seal.ts'
import { applyRetention } from '../retention/sweep.ts'
import { startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
const logged: string[] = []
const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) })
const never = new AbortController().signal
const FOREVER = { jobs: null, events: null, artifacts: null, mirrors: null }
beforeAll(async () => {
  server = await startTestServer({ log })
})
afterAll(() => server.close())
beforeEach(async () => {
  await server.scene.removeJobs()
  await server.ask('/api/v1/retention', { method: 'DELETE' })
})

const across = <T>(work: Parameters<typeof server.scene.database.acrossOrganizations<T>>[0]) =>
  server.scene.database.acrossOrganizations(work)
const put = (keepDays: object, key?: string) =>
  server.ask('/api/v1/retention', { method: 'PUT', body: keepDays, key })
const preview = async (changes?: object) =>
  (await server.ask('/api/v1/retention/preview', { method: 'POST', body: changes })).body
const run = () => server.ask('/api/v1/retention/run', { method: 'POST' })

/** A job that ended so many days ago, sealed, with an artifact and a request on the books. */
async function oldJob(days: number, of: Tenant = server.scene.tenant): Promise<string> {
  const { id } = await server.scene.submit({ task: `Ended ${days} days ago\nin two lines` }, of)
  await across(tx =>
    tx.run(sql`insert into artifacts (job_id, name, organization_id, attempt, size_bytes, content_type, storage_key)
      values (${id}, 'report.txt', ${of.organizationId}, 1, 1000, 'text/plain', ${`artifacts/${id}/report.txt`})`),
  )
  await across(tx =>
    tx.run(sql`insert into claude_requests (id, organization_id, job_id, attempt_id, model, status, input_tokens, output_tokens,
        cache_read_tokens, cache_write_tokens, cost_usd, scripted, duration_ms)
      values (${uuidv7()}, ${of.organizationId}, ${id}, ${uuidv7()}, 'm', 200, 1, 1, 0, 0, 0.5, false, 10)`),
  )
  await server.scene.storage.put(`artifacts/${id}/report.txt`, Buffer.alloc(1000))
  await cancelJob(server.scene, of, id)
  await seal()
  await across(tx =>
    tx.run(sql`update jobs set finished_at = now() - make_interval(days => ${days}) - interval '1 hour',
      sealed_at = now() where id = ${id}`),
  )
  return id
}
const seal = () => sealEndedJobs({ ...server.scene, log }, { endedSeconds: 0, signal: never })
const status = async (id: string) => (await server.ask(`/api/v1/jobs/${id}`)).status
const objectsOf = async (id: string): Promise<string[]> => {
  await deleteDoomedObjects(server.scene, never)
  const found: string[] = []
  for await (const { key } of server.scene.storage.list('')) if (key.includes(id)) found.push(key)
  return found
}

describe('the settings', () => {
  test('keep everything for ever until somebody says otherwise, and go back to what the installation says', async () => {
    expect((await server.ask('/api/v1/retention')).body).toEqual({
      ...{ keepDays: FOREVER, own: false, installation: FOREVER },
    })
    const keepDays = { jobs: 365, events: 90, artifacts: null, mirrors: 30 }
    expect((await put(keepDays)).body).toMatchObject({ keepDays, own: true })
    expect((await server.ask('/api/v1/retention', { key: server.keys.stranger })).body.own).toBe(false)
    await server.ask('/api/v1/retention', { method: 'DELETE' })
    expect((await server.ask('/api/v1/retention')).body).toMatchObject({ keepDays: FOREVER, own: false })
  })

  test.each([
    ['no days', { ...FOREVER, jobs: 0 }],
    ['less than none', { ...FOREVER, jobs: -1 }],
    ['half a day', { ...FOREVER, events: 0.5 }],
    ['a kind that is none', { ...FOREVER, secrets: 1 }],
    ['not all of them', { jobs: 1 }],
  ])('of %s are refused, and nothing changes', async (_what, keepDays) => {
    expect(await put(keepDays)).toMatchObject({ status: 422, body: { code: 'validation_failed' } })
    expect((await server.ask('/api/v1/retention')).body.own).toBe(false)
  })

  test('are for owners and admins to change', async () => {
    await across(tx =>
      tx.run(
        sql`update member set role = 'member' where "organizationId" = ${server.stranger.organizationId}`,
      ),
    )
    const key = await server.keyOf(server.stranger)
    expect((await put(FOREVER, key)).body).toMatchObject({ code: 'not_allowed' })
    expect((await server.ask('/api/v1/retention/run', { method: 'POST', key })).status).toBe(403)
    expect((await server.ask('/api/v1/retention', { key })).status).toBe(200)
  })
})

describe('the preview', () => {
  test('says how much would go, from when and such as what, and deletes nothing', async () => {
    const [old, older] = [await oldJob(40), await oldJob(50)]
    const young = await oldJob(3)
    const found = await preview({ jobs: 30, events: 2, artifacts: 45 })
    expect(found.keepDays).toEqual({ jobs: 30, events: 2, artifacts: 45, mirrors: null })
    expect(found.jobs).toMatchObject({
      count: 2,
      sample: [
        { id: older, name: expect.stringMatching(/^#\d+ Ended 50 days ago$/) },
        { id: old, name: expect.stringMatching(/^#\d+ Ended 40 days ago$/) },
      ],
    })
    expect(found.jobs.bytes).toBeGreaterThan(2000)
    expect(Date.parse(found.jobs.oldest)).toBeLessThan(Date.parse(found.jobs.newest))
    expect(found.events.count).toBe(3)
    expect(found.artifacts).toMatchObject({ count: 1, bytes: 1000, sample: [{ name: 'report.txt' }] })
    expect(found.mirrors).toEqual({ count: 0, bytes: 0, oldest: null, newest: null, sample: [] })
    expect(await Promise.all([old, older, young].map(status))).toEqual([200, 200, 200])
  })

  test('without settings finds nothing to delete', async () => {
    await oldJob(4000)
    expect((await preview()).jobs.count).toBe(0)
  })
})

describe('a run', () => {
  test('removes old jobs with all that is theirs, and leaves young ones and the ledger', async () => {
    const [old, young] = [await oldJob(40), await oldJob(3)]
    await put({ ...FOREVER, jobs: 30 })
    expect((await run()).body).toEqual({ jobs: 1, events: 0, artifacts: 0 })
    expect([await status(old), await status(young)]).toEqual([404, 200])
    expect(await objectsOf(old)).toEqual([])
    expect(await objectsOf(young)).toHaveLength(2)
    const booked = await across(tx =>
      tx.first<{ cost: number }>(
        sql`select sum(cost_usd) as cost from claude_requests where job_id = ${old}`,
      ),
    )
    expect(booked).toEqual({ cost: 0.5 })
  })

  test('removes stories alone, and says so where they were', async () => {
    const id = await oldJob(40)
    await put({ ...FOREVER, events: 30 })
    expect((await run()).body).toEqual({ jobs: 0, events: 1, artifacts: 0 })
    expect(await status(id)).toBe(200)
    expect((await server.ask(`/api/v1/jobs/${id}/events`)).body).toEqual({
      ...{ data: [], nextCursor: null, hasMore: false },
    })
    expect((await server.ask(`/api/v1/jobs/${id}/log`)).text).toContain('was removed')
    expect((await server.ask(`/api/v1/jobs/${id}/stream`)).text).toBe('')
    expect(await objectsOf(id)).toEqual([`artifacts/${id}/report.txt`])
    expect((await run()).body.events).toBe(0)
  })

  test('removes artifacts alone', async () => {
    const id = await oldJob(40)
    await put({ ...FOREVER, artifacts: 30 })
    expect((await run()).body).toEqual({ jobs: 0, events: 0, artifacts: 1 })
    expect((await objectsOf(id)).map(key => key.split('/')[0])).toEqual(['events'])
  })

  test('keeps what an unfinished job needs, and what is not finished, however old', async () => {
    const needed = await oldJob(40)
    const { id: dependent } = await server.scene.submit()
    const { id: running } = await server.scene.submit()
    await across(tx => tx.run(sql`update jobs set needs = array[${needed}::uuid] where id = ${dependent}`))
    await across(tx =>
      tx.run(sql`update jobs set created_at = now() - interval '90 days' where id = ${running}`),
    )
    await put({ ...FOREVER, jobs: 30 })
    expect((await run()).body.jobs).toBe(0)
    expect(await Promise.all([needed, dependent, running].map(status))).toEqual([200, 200, 200])
  })

  test('takes nothing of another organization', async () => {
    const theirs = await oldJob(40, server.stranger)
    await put({ ...FOREVER, jobs: 30 })
    expect((await run()).body.jobs).toBe(0)
    expect((await server.ask(`/api/v1/jobs/${theirs}`, { key: server.keys.stranger })).status).toBe(200)
  })

  test('of many takes all of them, some at a time, also when two do it at once', async () => {
    const { id: first } = await server.scene.submit()
    await cancelJob(server.scene, server.scene.tenant, first)
    for (let n = 0; n < 119; n += 1) {
      const { id } = await server.scene.submit()
      await cancelJob(server.scene, server.scene.tenant, id)
    }
    await across(tx => tx.run(sql`update jobs set finished_at = now() - interval '31 days'`))
    await put({ ...FOREVER, jobs: 30 })
    const runs = await Promise.all([run(), run()])
    expect(runs.reduce((sum, { body }) => sum + body.jobs, 0)).toBe(120)
    expect(await server.scene.jobs()).toEqual([])
  })

  test('by the clock takes care of every organization as it wants it, and leaves a line for the audit', async () => {
    const [mine, theirs] = [await oldJob(40), await oldJob(40, server.stranger)]
    await put({ ...FOREVER, jobs: 60 })
    logged.length = 0
    const context = { database: server.scene.database, log, installation: { ...FOREVER, jobs: 30 } }
    await applyRetention(context, never)
    expect(await status(mine)).toBe(200)
    expect((await server.ask(`/api/v1/jobs/${theirs}`, { key: server.keys.stranger })).status).toBe(404)
    expect(logged.map(line => JSON.parse(line))).toEqual([
      expect.objectContaining({
        audit: 'retention',
        organizationId: server.stranger.organizationId,
        removed: { jobs: 1, events: 0, artifacts: 0 },
      }),
    ])
  })
})

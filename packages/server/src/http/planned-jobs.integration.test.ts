import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forgetOldKeys } from '../store/idempotency.ts'
import { type Asking, isProblem, startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const ask = (path: string, asking?: Asking) => server.ask(`/api/v1${path}`, asking)

describe('planned jobs', () => {
  const post = (path: string, body: unknown, headers = {}) => ask(path, { body, headers })
  const patch = (id: string, body: unknown) => ask(`/jobs/${id}`, { method: 'PATCH', body })
  const newJob = (more: object = {}) => ({
    repositoryId: server.scene.tenant.repositoryId,
    task: 'Do it.',
    ...more,
  })

  test('come in a batch that names its jobs by keys; the same key of the request gives the same answer', async () => {
    const body = {
      jobs: [newJob({ key: 'build' }), newJob({ key: 'test', needs: ['build'], baseFrom: 'build' })],
    }
    const first = await post('/jobs/batch', body, { 'idempotency-key': 'batch-1' })
    expect(first.status).toBe(201)
    const [build, tested] = first.body.jobs
    expect(tested).toMatchObject({ state: 'pending', needs: [build.id], baseFrom: build.id })
    expect((await post('/jobs/batch', body, { 'idempotency-key': 'batch-1' })).body).toEqual(first.body)
    isProblem(await post('/jobs', newJob(), { 'idempotency-key': 'batch-1' }), 422, 'idempotency_key_reused')
    const { body: relations } = await ask(`/jobs/${build.number}/relations`)
    expect(relations).toMatchObject({
      needs: [],
      dependents: [{ id: tested.id, number: tested.number, state: 'pending' }],
    })
  })

  test.each([
    [
      'a cycle',
      {
        jobs: [
          { key: 'a', needs: ['b'] },
          { key: 'b', needs: ['a'] },
        ],
      },
      'needs_cycle',
      'jobs.0.needs',
    ],
    ['an empty task', { jobs: [{}, { task: '' }] }, 'validation_failed', 'jobs.1.task'],
    ['no job', { jobs: [] }, 'validation_failed', 'jobs'],
    ['a time long ago', { jobs: [{ runAt: '1999-01-01T00:00:00Z' }] }, 'run_at_invalid', 'jobs.0'],
  ])('with %s are refused, and the place is named', async (_what, { jobs }, code, path) => {
    const answer = await post('/jobs/batch', { jobs: jobs.map(newJob) })
    isProblem(answer, 422, code)
    expect(answer.body.errors[0].path).toBe(path)
  })

  test.each([
    ['budgetUsd', -1],
    ['budgetUsd', 0],
    ['timeoutSeconds', -5],
    ['timeoutSeconds', 7 * 24 * 3600 + 1],
    ['maxAttempts', 0],
    ['maxAttempts', 21],
    ['runAt', 'tomorrow'],
    ['needs', Array.from({ length: 51 }, () => '1')],
  ])('with %s %s are refused by the name of the field', async (field, value) => {
    const answer = await post('/jobs', newJob({ [field]: value }))
    isProblem(answer, 422, 'validation_failed')
    expect(answer.body.errors[0].path).toMatch(new RegExp(`^${field}`))
  })

  test.each(['1999-01-01T00:00:00Z', '3000-01-01T00:00:00Z'])('at %s are refused', async runAt => {
    isProblem(await post('/jobs', newJob({ runAt })), 422, 'run_at_invalid')
  })

  test('are changed, and a refused change changes nothing', async () => {
    const { body: job } = await post('/jobs', newJob({ budgetUsd: 1 }))
    expect((await patch(job.id, { priority: 'low', budgetUsd: 2 })).body).toMatchObject({
      priority: 'low',
      budgetUsd: 2,
    })
    isProblem(await patch(job.id, {}), 422, 'validation_failed')
    isProblem(await patch(job.id, { budgetUsd: -1 }), 422, 'validation_failed')
    await ask(`/jobs/${job.id}/cancel`, { method: 'POST' })
    isProblem(await patch(job.id, { priority: 'high' }), 409, 'job_state_conflict')
    isProblem(await ask(`/jobs/${job.id}/cancel`, { method: 'POST' }), 409, 'job_state_conflict')
    expect((await ask(`/jobs/${job.id}`)).body).toMatchObject({
      state: 'cancelled',
      priority: 'low',
      budgetUsd: 2,
    })
  })

  test('that were cancelled are retried once by the same key', async () => {
    const { body: job } = await post('/jobs', newJob())
    await ask(`/jobs/${job.id}/cancel`, { method: 'POST' })
    const retry = () =>
      ask(`/jobs/${job.id}/retry`, { method: 'POST', headers: { 'idempotency-key': 'again' } })
    const first = await retry()
    expect(first.body.state).toBe('queued')
    expect((await retry()).body).toEqual(first.body)
    isProblem(await ask(`/jobs/${job.id}/retry`, { method: 'POST' }), 409, 'job_state_conflict')
  })
})

describe('an Idempotency-Key, wherever something is made,', () => {
  const make = (path: string, body: unknown, key: string) =>
    ask(path, { body, headers: { 'idempotency-key': key } })

  test.each<[string, (name: string) => unknown]>([
    ['/repositories', name => ({ name })],
    ['/api-keys', name => ({ name })],
    [
      '/schedules',
      name => ({
        name,
        repositoryId: server.scene.tenant.repositoryId,
        cron: '@daily',
        job: { task: 'x' },
      }),
    ],
  ])('gives the same answer at %s, and is refused with another body', async (path, body) => {
    const key = `once${path}`
    const [first, again] = [await make(path, body('one'), key), await make(path, body('one'), key)]
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    isProblem(await make(path, body('two'), key), 422, 'idempotency_key_reused')
    expect((await ask(path)).body.data.filter(({ name }: { name: string }) => name === 'one')).toHaveLength(1)
  })

  test('does not keep an API key in the clear', async () => {
    const { body } = await make('/api-keys', { name: 'secret' }, 'secret-once')
    const kept = await server.scene.database.acrossOrganizations(tx =>
      tx.all<{ body: string }>(sql`select body::text from idempotency_keys`),
    )
    expect(kept.map(row => row.body).join()).not.toContain(body.key)
    const { body: again } = await make('/api-keys', { name: 'secret' }, 'secret-once')
    expect((await server.ask('/api/v1/me', { key: again.key })).status).toBe(200)
  })

  test('is forgotten after a day', async () => {
    const day = sql`update idempotency_keys set created_at = now() - interval '25 hours'`
    const first = await make('/jobs', { repositoryId: server.scene.tenant.repositoryId, task: 'x' }, 'old')
    await server.scene.database.acrossOrganizations(tx => tx.run(day))
    const other = await make('/jobs', { repositoryId: server.scene.tenant.repositoryId, task: 'y' }, 'old')
    expect(other.status).toBe(201)
    expect(other.body.id).not.toBe(first.body.id)
    await server.scene.database.acrossOrganizations(tx => tx.run(day))
    expect(await server.scene.database.acrossOrganizations(forgetOldKeys)).toBeGreaterThan(0)
    const left = await server.scene.database.acrossOrganizations(tx =>
      tx.all(sql`select key from idempotency_keys`),
    )
    expect(left).toEqual([])
  })
})

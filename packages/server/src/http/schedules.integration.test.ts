import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Asking, isProblem, startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const ask = (path: string, asking?: Asking) => server.ask(`/api/v1${path}`, asking)
let count = 0
const wanted = (more: object = {}) => {
  count += 1
  return {
    name: `nightly-${count}`,
    repositoryId: server.scene.tenant.repositoryId,
    cron: '0 3 * * 1-5',
    timezone: 'Europe/Berlin',
    job: { task: 'Bring the dependencies up to date.' },
    ...more,
  }
}

describe('schedules over HTTP', () => {
  test('are made, shown, changed and removed', async () => {
    const body = wanted()
    const created = await ask('/schedules', { body, headers: { 'idempotency-key': 's1' } })
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({
      ...body,
      overlap: 'skip',
      missed: 'run_once',
      enabled: true,
      description: 'at 03:00, from Monday to Friday',
      lastRunAt: null,
      lastJobId: null,
      lastError: null,
    })
    expect(Date.parse(created.body.nextRunAt)).toBeGreaterThan(Date.now())
    const again = await ask('/schedules', { body, headers: { 'idempotency-key': 's1' } })
    expect(again.body).toEqual(created.body)
    const path = `/schedules/${created.body.id}`
    const paused = await ask(path, { method: 'PATCH', body: { enabled: false, job: { task: 'Other.' } } })
    expect(paused.body).toMatchObject({ enabled: false, nextRunAt: null, job: { task: 'Other.' } })
    expect((await ask('/schedules')).body.data[0]).toEqual(paused.body)
    expect((await ask(path)).body).toEqual(paused.body)
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
    isProblem(await ask(path), 404, 'schedule_not_found')
  })

  test('are run now; their jobs and what became of each run are listed', async () => {
    const { body: schedule } = await ask('/schedules', { body: wanted() })
    const run = await ask(`/schedules/${schedule.id}/run`, { method: 'POST' })
    expect([run.status, run.body.scheduleId]).toEqual([201, schedule.id])
    const { body: jobs } = await ask(`/jobs?scheduleId=${schedule.id}`)
    expect(jobs.data.map(({ id }: { id: string }) => id)).toEqual([run.body.id])
    expect((await ask(`/schedules/${schedule.id}/runs`)).body.data).toMatchObject([
      { outcome: 'submitted', jobId: run.body.id, jobNumber: run.body.number },
    ])
    expect((await ask(`/schedules/${schedule.id}`)).body.lastJobId).toBe(run.body.id)
  })

  test('can be looked ahead at before they are made', async () => {
    const { body } = await ask('/schedules/preview?cron=0+3+*+*+*&timezone=Europe/Berlin')
    expect(body).toMatchObject({ description: 'at 03:00, every day', runs: expect.any(Array) })
    expect(body.runs).toHaveLength(3)
    isProblem(await ask('/schedules/preview?cron=0+0+30+2+*'), 422, 'schedule_invalid')
  })

  test.each<[string, object, string, string]>([
    ['is never due', { cron: '0 0 30 2 *' }, 'schedule_invalid', 'cron'],
    ['has seconds', { cron: '*/5 * * * * *' }, 'schedule_invalid', 'cron'],
    ['has no such time zone', { timezone: 'Mars/Phobos' }, 'schedule_invalid', 'timezone'],
    ['has no task', { job: {} }, 'validation_failed', 'job.task'],
    [
      'has a time of its own',
      { job: { task: 'x', runAt: '2030-01-01T00:00:00Z' } },
      'validation_failed',
      'job',
    ],
    ['has a negative budget', { job: { task: 'x', budgetUsd: -1 } }, 'validation_failed', 'job.budgetUsd'],
  ])('that %s is refused by the name of the field', async (_what, more, code, field) => {
    const answer = await ask('/schedules', { body: wanted(more) })
    isProblem(answer, 422, code)
    expect(answer.body.errors[0].path).toBe(field)
  })
})

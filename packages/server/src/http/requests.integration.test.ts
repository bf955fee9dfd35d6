import { request as rawRequest } from 'node:http'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancel, startEngine } from '../jobs/testing-engine.ts'
import { type Asking, isProblem, startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const ask = (path: string, asking?: Asking) => server.ask(`/api/v1${path}`, asking)
const newJob = (fields: object = {}) => ({
  repositoryId: server.scene.tenant.repositoryId,
  task: 'Do something.',
  ...fields,
})
const UNKNOWN = '00000000-0000-7000-8000-000000000000'

describe('a job that can not be', () => {
  test.each<[string, object, number, string]>([
    ['an empty task', { task: '' }, 422, 'validation_failed'],
    ['a task of spaces', { task: ' \n\t' }, 422, 'validation_failed'],
    ['a task of 1 MB', { task: 'x'.repeat(1_000_000) }, 422, 'validation_failed'],
    ['a task with NUL', { task: 'a\0b' }, 422, 'validation_failed'],
    ['a body of 3 MB', { task: 'x'.repeat(3_000_000) }, 413, 'payload_too_large'],
    ['an unknown repository', { repositoryId: UNKNOWN }, 404, 'repository_not_found'],
    ['a repository id that is none', { repositoryId: '../..' }, 422, 'validation_failed'],
    ['a branch that is an option', { branch: '-u' }, 422, 'branch_name_invalid'],
    ['a branch with a newline', { branch: 'a\nb' }, 422, 'branch_name_invalid'],
    ['a base of two dots', { baseBranch: 'a..b' }, 422, 'branch_name_invalid'],
    ['a model of somebody else', { model: 'gpt-4' }, 422, 'model_not_allowed'],
    ['an unknown field', { urgent: true }, 422, 'validation_failed'],
    ['a negative budget', { budgetUsd: -1 }, 422, 'validation_failed'],
    ['a limit of no time', { timeoutSeconds: 0 }, 422, 'validation_failed'],
    ['a command with NUL', { verify: ['a\0'] }, 422, 'validation_failed'],
    ['a variable with a bad name', { environment: { 'A B': '' } }, 422, 'validation_failed'],
    ['a time that is none', { runAt: 'tomorrow' }, 422, 'validation_failed'],
  ])('for %s is refused', async (_what, fields, status, code) => {
    isProblem(await ask('/jobs', { body: newJob(fields) }), status, code)
  })

  test('names the field that is wrong', async () => {
    const { body } = await ask('/jobs', { body: newJob({ timeoutSeconds: 'long', task: '' }) })
    expect(body.errors.map((error: { path: string }) => error.path).sort()).toEqual([
      'task',
      'timeoutSeconds',
    ])
  })

  test.each(['{"task":', '[]', '"text"', 'null', ''])('for the body %j is refused', async body => {
    const answer = await ask('/jobs', { body })
    expect([400, 422]).toContain(answer.status)
    isProblem(answer, answer.status, answer.status === 400 ? 'malformed_request' : 'validation_failed')
  })

  test('for a body of another type is refused', async () => {
    const headers = { 'content-type': 'application/xml' }
    isProblem(await ask('/jobs', { body: 'task=x', headers }), 400, 'malformed_request')
  })
})

describe('without a right key', () => {
  test.each<[string, Asking]>([
    ['no key', { key: null }],
    ['an unknown key', { key: 'ffk_unknown' }],
    ['half a header', { key: null, headers: { authorization: 'Bearer' } }],
    ['another scheme', { key: null, headers: { authorization: 'Basic eDp5' } }],
    ['a cookie that is none', { key: null, headers: { cookie: 'flowforge.session_token=x' } }],
  ])('%s: 401', async (_what, asking) => {
    const answer = await ask('/jobs', asking)
    isProblem(answer, 401, 'not_signed_in')
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
  })

  test('a key that was revoked is refused within two seconds', async () => {
    const { body } = await ask('/api-keys', { body: { name: 'short-lived' } })
    expect((await ask('/me', { key: body.key })).status).toBe(200)
    expect((await ask(`/api-keys/${body.id}`, { method: 'DELETE' })).status).toBe(204)
    await expect
      .poll(async () => (await ask('/me', { key: body.key })).status, { timeout: 4_000, interval: 200 })
      .toBe(401)
  })
})

describe('addresses that are not there', () => {
  test.each([
    '/api/v1/nothing',
    '/api/v2/jobs',
    '/nothing',
    '/api/v1/jobs/%zz',
    '/api/v1/jobs/a%00b',
  ])('%s is answered with a problem document', async path => {
    const { status, body } = await rawGet(path)
    expect([400, 404]).toContain(status)
    expect(body.code).toMatch(/not_found|malformed_request/)
  })

  test.each([
    'x',
    '999999',
    '1e3',
    `${'9'.repeat(40)}`,
    UNKNOWN,
    "1' or 1=1",
  ])('the job %j: 404', async id => {
    isProblem(await ask(`/jobs/${encodeURIComponent(id)}`), 404, 'job_not_found')
  })
})

describe('an Idempotency-Key over HTTP', () => {
  const submit = (key: string, body: unknown) => ask('/jobs', { body, headers: { 'idempotency-key': key } })

  test('is the same request in another order of fields, and another one with other fields', async () => {
    const { repositoryId } = server.scene.tenant
    const first = await submit('a', { repositoryId, task: 't' })
    const again = await submit('a', { task: 't', repositoryId })
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('location')).toBe(`/api/v1/jobs/${first.body.id}`)
    isProblem(await submit('a', { repositoryId, task: 'other' }), 422, 'idempotency_key_reused')
  })

  test('that is too long is refused', async () => {
    isProblem(await submit('k'.repeat(256), newJob()), 422, 'validation_failed')
  })
})

describe('lists', () => {
  test('come in pages, newest first, and none is left out', async () => {
    for (let n = 0; n < 7; n += 1) await server.scene.submit()
    const all = (await ask('/jobs?limit=100')).body.data.map((job: { id: string }) => job.id)
    const paged: string[] = []
    let cursor = ''
    do {
      const { body } = await ask(`/jobs?limit=3${cursor && `&cursor=${cursor}`}`)
      expect(body.hasMore).toBe(body.nextCursor !== null)
      paged.push(...body.data.map((job: { id: string }) => job.id))
      cursor = body.nextCursor
    } while (cursor)
    expect(paged).toEqual(all)
    expect([...paged].sort().reverse()).toEqual(paged)
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=not-a-cursor',
    'state=lost',
    'repositoryId=1',
  ])('refuse %s', async query => {
    isProblem(await ask(`/jobs?${query}`), 422, 'validation_failed')
  })

  test('of jobs can be narrowed', async () => {
    const { id } = await server.scene.submit()
    await cancel(server.scene, id)
    const states = (body: { data: Array<{ state: string }> }) => new Set(body.data.map(job => job.state))
    expect(states((await ask('/jobs?state=cancelled')).body)).toEqual(new Set(['cancelled']))
    expect(states((await ask('/jobs?state=cancelled&state=queued')).body)).toEqual(
      new Set(['cancelled', 'queued']),
    )
  })

  test('of events go on after their cursor', async () => {
    const { id } = await server.scene.submit()
    const first = (await ask(`/jobs/${id}/events?limit=1`)).body
    expect(first).toMatchObject({ data: [{ seq: 1 }], nextCursor: '1', hasMore: true })
    const rest = (await ask(`/jobs/${id}/events?after=${first.nextCursor}`)).body
    expect(rest).toMatchObject({ data: [{ seq: 2 }], nextCursor: null, hasMore: false })
    isProblem(await ask(`/jobs/${id}/events?after=${2 ** 31}`), 422, 'validation_failed')
  })
})

describe('a job', () => {
  test('is found by its id and by its number', async () => {
    const { id, number } = await server.scene.submit()
    expect((await ask(`/jobs/${number}`)).body).toEqual((await ask(`/jobs/${id}`)).body)
  })

  test('tells its place in the queue', async () => {
    await server.scene.removeJobs()
    const ids: string[] = []
    for (const priority of ['low', 'normal', 'normal', 'high'] as const)
      ids.push((await server.scene.submit({ priority })).id)
    const places = await Promise.all(ids.map(async id => (await ask(`/jobs/${id}`)).body.queuePosition))
    expect(places).toEqual([4, 2, 3, 1])
  })

  test('waits for its retry: the time is told instead of a place in the queue', async () => {
    const { id } = await server.scene.submit()
    await server.scene.database.acrossOrganizations(tx =>
      tx.run(sql`update jobs set not_before = now() + interval '1 minute' where id = ${id}`),
    )
    const { body } = await ask(`/jobs/${id}`)
    expect(body).toMatchObject({
      retryAt: expect.stringMatching(/Z$/),
      maxAttempts: 2,
      queueTimeoutSeconds: null,
    })
    expect(body.queuePosition).toBeUndefined()
  })

  test('is cancelled once: then 409', async () => {
    const { id } = await server.scene.submit()
    expect((await ask(`/jobs/${id}/cancel`, { method: 'POST' })).body.state).toBe('cancelled')
    isProblem(await ask(`/jobs/${id}/cancel`, { method: 'POST' }), 409, 'job_state_conflict')
  })

  test('that ran shows attempts, log and diff', async () => {
    const engine = await startEngine(server.scene)
    const { id } = await server.scene.submit({ task: '[dummy: flood 3]\x1b[2J' })
    await expect
      .poll(async () => (await ask(`/jobs/${id}`)).body.state, { timeout: 10_000 })
      .toBe('succeeded')
    await engine.close()
    expect((await ask(`/jobs/${id}/attempts`)).body.data).toMatchObject([
      { number: 1, endReason: 'succeeded', pushedCommit: null },
    ])
    const log = await ask(`/jobs/${id}/log`)
    expect(log.text).toContain('line 3 of 3')
    expect(log.text).not.toContain('\x1b')
    expect((await ask(`/jobs/${id}/diff`)).body).toMatchObject({ diff: '', stat: { filesChanged: 0 } })
    const plain = await ask(`/jobs/${id}/diff`, { headers: { accept: 'text/x-diff' } })
    expect(plain.headers.get('content-type')).toBe('text/x-diff; charset=utf-8')
  })

  test('that has not begun has no diff yet', async () => {
    const { id } = await server.scene.submit()
    isProblem(await ask(`/jobs/${id}/diff`), 404, 'not_found')
  })
})

describe('repositories', () => {
  const add = (fields: object) => ask('/repositories', { body: { name: `r${performance.now()}`, ...fields } })

  test.each([
    '-uhttps://x',
    'ext::sh -c id',
    'https://x/\ny',
    'file:///etc',
    '/etc',
    'http://169.254.169.254/x',
  ])('from %j are refused', async url => {
    const answer = await add({ url })
    expect(answer.status).toBe(422)
    expect(answer.body.code).toMatch(/^(repository_url_invalid|address_not_allowed)$/)
  })

  test.each(['', '-u', '../x', 'a b', 'x.git', 'a/b'])('named %j are refused', async name => {
    isProblem(await add({ name }), 422, 'validation_failed')
  })

  test('have a name of their own, also when they are renamed', async () => {
    const [one, two] = [(await add({ name: 'One' })).body, (await add({ name: 'two' })).body]
    isProblem(await add({ name: 'one' }), 409, 'repository_name_taken')
    const rename = (id: string, name: string) =>
      ask(`/repositories/${id}`, { method: 'PATCH', body: { name } })
    isProblem(await rename(two.id, 'oNe'), 409, 'repository_name_taken')
    expect((await rename(one.id, 'three')).body).toMatchObject({ name: 'three' })
  })

  test('never show their credential', async () => {
    const credential = { type: 'token', token: 'ghp_hunter2' }
    const { body, text } = await add({ url: 'https://example.org/x/y.git', credential })
    expect(body.hasCredential).toBe(true)
    expect(text).not.toContain('hunter2')
    const embedded = await add({ url: 'https://ada:ghp_hunter2@example.org/x/y.git' })
    expect(embedded.body.hasCredential).toBe(true)
    expect(embedded.text).not.toContain('hunter2')
  })

  test('that are hosted take no credential', async () => {
    const credential = { type: 'token', token: 'x' }
    isProblem(await add({ credential }), 422, 'validation_failed')
    const { id } = (await add({})).body
    const change = { method: 'PATCH', body: { credential } }
    isProblem(await ask(`/repositories/${id}`, change), 422, 'validation_failed')
  })

  test('with settings of any characters are kept', async () => {
    const { id } = (await add({})).body
    const settings = { setup: ['echo \u0000\ud800'] }
    const { status } = await ask(`/repositories/${id}`, { method: 'PATCH', body: { settings } })
    expect(status).toBe(200)
  })

  test('go when no job of them is unfinished', async () => {
    const { id } = (await add({})).body
    const job = (await ask('/jobs', { body: newJob({ repositoryId: id }) })).body
    isProblem(await ask(`/repositories/${id}`, { method: 'DELETE' }), 409, 'repository_busy')
    await ask(`/jobs/${job.id}/cancel`, { method: 'POST' })
    expect((await ask(`/repositories/${id}`, { method: 'DELETE' })).status).toBe(204)
    isProblem(await ask(`/repositories/${id}`), 404, 'repository_not_found')
    isProblem(await ask(`/jobs/${job.id}`), 404, 'job_not_found')
  })

  test.each([
    '*',
    'http://example.org',
    'example.org/x',
    '10.0.0.1:80',
    '',
  ])('let nobody allow %j', async domain => {
    const { repositoryId } = server.scene.tenant
    const answer = await ask(`/repositories/${repositoryId}/egress`, {
      method: 'PUT',
      body: { allow: [domain] },
    })
    isProblem(answer, 422, 'validation_failed')
  })
})

describe('every documented route', () => {
  interface Operation {
    operationId: string
    parameters?: Array<{ name: string; in: string; required?: boolean }>
  }
  interface Document {
    openapi: string
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, unknown> }
  }
  const operations = async () => {
    const { body } = await server.ask('/api/openapi.json', { key: null })
    const { paths } = body as Document
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
    )
  }
  const BODIES: Record<string, (server: TestServer) => unknown> = {
    createJob: ({ scene }) => ({ repositoryId: scene.tenant.repositoryId, task: 'x' }),
    createJobs: ({ scene }) => ({ jobs: [{ repositoryId: scene.tenant.repositoryId, task: 'x' }] }),
    changeJob: () => ({ priority: 'high' }),
    createRepository: () => ({ name: `r${performance.now()}` }),
    updateRepository: () => ({ settings: {} }),
    updateLimits: () => ({ maxRunning: null }),
    setRetention: () => ({ jobs: null, events: null, artifacts: null, mirrors: null }),
    setEgress: () => ({ allow: [] }),
    createApiKey: () => ({ name: 'x' }),
    createSchedule: ({ scene }) => ({
      name: `s${performance.now()}`,
      repositoryId: scene.tenant.repositoryId,
      cron: '@daily',
      job: { task: 'x' },
    }),
    changeSchedule: () => ({ enabled: false }),
    replyToJob: () => ({ text: 'x' }),
    decideRequest: () => ({ requestId: 'x', decision: 'allow' }),
  }
  const scheduleOf = async ({ scene, ask }: TestServer): Promise<string> => {
    const { repositoryId } = scene.tenant
    const job = { task: 'The first organization works on this.' }
    const body = { name: `of ${performance.now()}`, repositoryId, cron: '@yearly', job }
    return (await ask('/api/v1/schedules', { body })).body.id
  }
  const call = async (
    { path, method, operation }: Awaited<ReturnType<typeof operations>>[number],
    key: string | null,
  ) => {
    const { id: job } = await server.scene.submit()
    const owned = path.includes('/jobs/')
      ? job
      : path.includes('/schedules/')
        ? await scheduleOf(server)
        : server.scene.tenant.repositoryId
    const body = BODIES[operation.operationId]?.(server)
    const accept = { accept: 'application/json' }
    const query = operation.operationId === 'previewSchedule' ? '?cron=@daily' : ''
    const url = path.replace('{id}', path.includes('api-keys') ? 'k' : owned) + query
    // The stream of an unfinished job would not end, and only a finished one can be retried.
    if (['streamEvents', 'retryJob'].includes(operation.operationId)) await cancel(server.scene, job)
    return server.ask(url, { method, key, body, headers: accept })
  }

  test('is described in a document that holds together', async () => {
    const { body } = await server.ask('/api/openapi.json', { key: null })
    const document = body as Document
    expect(document.openapi).toMatch(/^3\.1\./)
    const text = JSON.stringify(document)
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      match => match[1]!,
    )
    for (const name of references) expect(document.components.schemas).toHaveProperty([name])
    const all = await operations()
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
    for (const { path, operation } of all) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1])
      const described = operation.parameters?.filter(parameter => parameter.in === 'path') ?? []
      expect(described.map(parameter => parameter.name)).toEqual(inPath)
    }
  })

  test('answers whoever may ask', async () => {
    for (const operation of await operations()) {
      const answer = await call(operation, server.keys.first)
      // A key named "k" is not there, a queued job has no diff and nothing to interrupt or to answer, and the sample repository has
      // unfinished jobs.
      const exceptions: Record<string, number> = {
        revokeApiKey: 404,
        getDiff: 404,
        interruptJob: 409,
        replyToJob: 409,
        decideRequest: 404,
        deleteRepository: 409,
      }
      const expected = exceptions[operation.operation.operationId]
      if (expected)
        expect([operation.operation.operationId, answer.status]).toEqual([
          operation.operation.operationId,
          expected,
        ])
      else
        expect([operation.operation.operationId, answer.status < 300]).toEqual([
          operation.operation.operationId,
          true,
        ])
    }
  })

  test('answers 401 to nobody in particular', async () => {
    for (const operation of await operations()) isProblem(await call(operation, null), 401, 'not_signed_in')
  })

  test('shows a stranger nothing of what it has', async () => {
    const { scene } = server
    const { id } = await scene.submit({ task: 'The first organization works on this.' })
    for (const operation of await operations()) {
      const answer = await call(operation, server.keys.stranger)
      const { operationId } = operation.operation
      if (operation.path.includes('{id}')) expect([operationId, answer.status]).toEqual([operationId, 404])
      if (/^create(Jobs?|Schedule)$/.test(operationId)) isProblem(answer, 404, 'repository_not_found')
      for (const secret of [id, scene.tenant.organizationId, scene.tenant.repositoryId, 'works on this'])
        expect(answer.text).not.toContain(secret)
    }
    const { body } = await ask('/system', { key: server.keys.stranger })
    expect(body.queue).toMatchObject({ queued: 0, running: 0 })
    expect((await scene.job(id)).state).toBe('queued')
  })
})

describe('for monitoring', () => {
  test('it is alive, ready, and tells figures', async () => {
    expect((await server.ask('/healthz', { key: null })).body).toEqual({ status: 'alive' })
    expect((await server.ask('/readyz', { key: null })).body).toEqual({ status: 'ready' })
    const { text, headers } = await server.ask('/metrics', { key: null })
    expect(headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(text).toMatch(/^flowforge_jobs\{state="queued"\} \d+$/m)
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [\d.]+)$/)
  })

  test('the doctor finds what is wrong', async () => {
    const { body } = await ask('/doctor')
    const status = Object.fromEntries(
      body.checks.map((check: { name: string; status: string }) => [check.name, check.status]),
    )
    expect(status).toMatchObject({ database: 'ok', claude: 'problem', queue: 'problem' })
  })
})

/** fetch would normalise the address. */
const rawGet = (path: string) =>
  new Promise<{ status: number; body: { code?: string } }>((resolve, reject) => {
    const asked = rawRequest(
      server.url,
      { path, headers: { authorization: `Bearer ${server.keys.first}` } },
      response => {
        let text = ''
        response.on('data', part => {
          text += part
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
      },
    )
    asked.on('error', reject)
    asked.end()
  })

describe('limits', () => {
  test('of the organization are set and taken away', async () => {
    await server.scene.removeJobs()
    await server.scene.submit()
    const set = { method: 'PATCH', body: { maxRunning: 3 } }
    expect((await ask('/limits', set)).body).toEqual({ maxRunning: 3, running: 0, queued: 1 })
    expect((await ask('/limits')).body.maxRunning).toBe(3)
    isProblem(await ask('/limits', { ...set, body: { maxRunning: 0 } }), 422, 'validation_failed')
    expect((await ask('/limits', { ...set, body: { maxRunning: null } })).body.maxRunning).toBeNull()
  })

  test('of a repository are set, stay when something else changes, and are taken away', async () => {
    const path = `/repositories/${server.scene.tenant.repositoryId}`
    const change = (body: unknown) => ask(path, { method: 'PATCH', body })
    expect((await change({ maxRunning: 2 })).body.maxRunning).toBe(2)
    expect((await change({ settings: {} })).body.maxRunning).toBe(2)
    expect((await change({ maxRunning: null })).body.maxRunning).toBeNull()
    isProblem(await change({ maxRunning: -1 }), 422, 'validation_failed')
  })
})

// The client against a real HTTP server: what it sends, what it makes of the answers, what it tries again.
import { expect, test } from 'vitest'
import { FlowForgeApiError, FlowForgeConnectionError } from './errors.ts'
import { createFlowForge } from './flowforge.ts'
import { sendJson, sendProblem, startLoopback } from './loopback.fixture.ts'

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('sends the key as a bearer token and the body as JSON, with an idempotency key', async () => {
  await using server = await startLoopback((_seen, response) => sendJson(response, 201, { id: 'job_1' }))
  const flowforge = createFlowForge({ baseUrl: server.url, token: 'ffk_secret' })
  const job = await flowforge.jobs.create({ repositoryId: 'rep_1', task: 'Fix it' })
  expect(job.id).toBe('job_1')
  const [seen] = server.seen
  expect(seen).toMatchObject({ method: 'POST', url: '/api/v1/jobs' })
  expect(seen?.headers.authorization).toBe('Bearer ffk_secret')
  expect(seen?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
  expect(JSON.parse(seen?.body ?? '')).toEqual({ repositoryId: 'rep_1', task: 'Fix it' })
})

test('each create has a key of its own, and the retries of one create share theirs', async () => {
  await using server = await startLoopback((_seen, response) =>
    server.seen.length === 1
      ? sendProblem(response, 503, { code: 'unavailable' }, { 'retry-after': '0' })
      : sendJson(response, 201, { id: 'rep_1' }),
  )
  const flowforge = createFlowForge({ baseUrl: server.url })
  await flowforge.repositories.create({ name: 'a' })
  await flowforge.repositories.create({ name: 'b' })
  const [first, retry, second] = server.seen.map(seen => seen.headers['idempotency-key'])
  expect(retry).toBe(first)
  expect(server.seen[1]?.body).toBe(server.seen[0]?.body)
  expect(second).not.toBe(first)
})

test('a problem document becomes a typed error', async () => {
  await using server = await startLoopback((_seen, response) =>
    sendProblem(response, 422, {
      title: 'The request has fields that can not be used',
      detail: 'task is empty; write what should be done',
      code: 'validation_failed',
      requestId: 'req_7',
      errors: [{ path: 'task', message: 'is empty' }],
    }),
  )
  const error = await failure(
    createFlowForge({ baseUrl: server.url }).jobs.create({ repositoryId: 'r', task: '' }),
  )
  expect(error).toBeInstanceOf(FlowForgeApiError)
  expect(error).toMatchObject({
    status: 422,
    code: 'validation_failed',
    message: 'task is empty; write what should be done',
    requestId: 'req_7',
    errors: [{ path: 'task', message: 'is empty' }],
  })
  expect(server.seen).toHaveLength(1)
})

test("a proxy's error page is still a typed error", async () => {
  await using server = await startLoopback((_seen, response) =>
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>'),
  )
  const error = await failure(createFlowForge({ baseUrl: server.url }).me())
  expect(error).toMatchObject({ status: 404, code: 'http_404', message: 'The server answered 404 Not Found' })
})

test('waits as long as Retry-After says, then succeeds', async () => {
  const times: number[] = []
  await using server = await startLoopback((_seen, response) => {
    times.push(performance.now())
    if (times.length === 1) sendProblem(response, 429, { code: 'rate_limited' }, { 'retry-after': '1' })
    else sendJson(response, 200, { version: '1' })
  })
  expect(await createFlowForge({ baseUrl: server.url }).system()).toEqual({ version: '1' })
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990)
})

test('gives up after the last retry with the last answer', async () => {
  await using server = await startLoopback((_seen, response) =>
    sendProblem(response, 503, { code: 'unavailable', detail: 'draining' }, { 'retry-after': '0' }),
  )
  const error = await failure(createFlowForge({ baseUrl: server.url, maxRetries: 2 }).jobs.get('12'))
  expect(error).toMatchObject({ status: 503, message: 'draining' })
  expect(server.seen).toHaveLength(3)
})

test('never repeats a DELETE', async () => {
  await using server = await startLoopback((_seen, response) =>
    sendProblem(response, 503, { code: 'unavailable' }, { 'retry-after': '0' }),
  )
  await failure(createFlowForge({ baseUrl: server.url }).repositories.remove('rep_1'))
  expect(server.seen).toHaveLength(1)
})

test('no server: a connection error that keeps its cause', async () => {
  const server = await startLoopback(() => {})
  await server[Symbol.asyncDispose]()
  const error = await failure(createFlowForge({ baseUrl: server.url, maxRetries: 0 }).me())
  expect(error).toBeInstanceOf(FlowForgeConnectionError)
  expect((error as Error).message).toContain('ECONNREFUSED')
  expect((error as Error).cause).toBeDefined()
})

test('a server that never answers is a connection error too', async () => {
  await using server = await startLoopback(() => {})
  const flowforge = createFlowForge({ baseUrl: server.url, maxRetries: 0, timeoutMs: 50 })
  const error = await failure(flowforge.me())
  expect(error).toBeInstanceOf(FlowForgeConnectionError)
  expect((error as Error).message).toContain('no answer within 50 ms')
})

test("the caller's abort is the caller's error, not a connection error", async () => {
  await using server = await startLoopback(() => {})
  const abort = new AbortController()
  const pending = failure(createFlowForge({ baseUrl: server.url }).me({ signal: abort.signal }))
  await expect.poll(() => server.seen.length).toBe(1)
  abort.abort(new Error('enough'))
  expect(await pending).toMatchObject({ message: 'enough' })
})

test('a list walks all pages, and its filter goes with every page', async () => {
  await using server = await startLoopback((seen, response) => {
    const cursor = new URL(seen.url, 'http://x').searchParams.get('cursor')
    if (cursor === null)
      sendJson(response, 200, { data: [{ id: 'a' }, { id: 'b' }], nextCursor: 'n=2&', hasMore: true })
    else sendJson(response, 200, { data: [{ id: 'c' }], nextCursor: null, hasMore: false })
  })
  const list = createFlowForge({ baseUrl: server.url }).jobs.list({ state: 'failed', limit: 2 })
  const ids: string[] = []
  for await (const job of list) ids.push(job.id)
  expect(ids).toEqual(['a', 'b', 'c'])
  expect(server.seen.map(seen => seen.url)).toEqual([
    '/api/v1/jobs?state=failed&limit=2',
    '/api/v1/jobs?state=failed&limit=2&cursor=n%3D2%26',
  ])
  expect((await list.first()).data).toHaveLength(2)
})

test('ids can not leave their place in the path', async () => {
  await using server = await startLoopback((_seen, response) => sendJson(response, 200, {}))
  await createFlowForge({ baseUrl: server.url }).jobs.get('../me?x#y')
  expect(server.seen[0]?.url).toBe('/api/v1/jobs/..%2Fme%3Fx%23y')
})

test('a batch is one request with one key, and its jobs come back in order', async () => {
  await using server = await startLoopback((_seen, response) =>
    sendJson(response, 201, { jobs: [{ id: 'job_1' }, { id: 'job_2' }] }),
  )
  const flowforge = createFlowForge({ baseUrl: server.url })
  const jobs = [
    { repositoryId: 'rep_1', task: 'Build', key: 'build' },
    { repositoryId: 'rep_1', task: 'Test', needs: ['build'] },
  ]
  const made = await flowforge.jobs.createBatch(jobs)
  expect(made.map(({ id }) => id)).toEqual(['job_1', 'job_2'])
  expect(server.seen).toMatchObject([{ method: 'POST', url: '/api/v1/jobs/batch' }])
  expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({ jobs })
  expect(server.seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/)
})

test('a schedule is made, changed and run by the routes of its own', async () => {
  await using server = await startLoopback((_seen, response) => sendJson(response, 201, { id: 's1' }))
  const { schedules } = createFlowForge({ baseUrl: server.url })
  await schedules.create({ name: 'nightly', repositoryId: 'r', cron: '@daily', job: { task: 'Do it' } })
  await schedules.change('s1', { enabled: false })
  await schedules.run('s1')
  await schedules.preview('0 3 * * *', 'Europe/Berlin')
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /api/v1/schedules',
    'PATCH /api/v1/schedules/s1',
    'POST /api/v1/schedules/s1/run',
    'GET /api/v1/schedules/preview?cron=0%203%20*%20*%20*&timezone=Europe%2FBerlin',
  ])
})

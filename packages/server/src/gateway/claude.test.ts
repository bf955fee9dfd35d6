import { once } from 'node:events'
import { request, type ServerResponse } from 'node:http'
import { expect, test, vi } from 'vitest'
import { answering, BEARER, EVENT_STREAM, post, question, STREAM, streaming } from './test-claude.ts'
import { ask, makeAttempt, openClaude, REAL_KEY, startUpstream, TOKEN } from './test-scene.ts'

test('an answer arrives byte for byte, with the real key used upstream and the usage counted once', async () => {
  const upstream = await streaming()
  const { socketPath, ledger } = await openClaude(`${upstream.url}/prefix/`)
  const body = question({ messages: [{ role: 'user', content: 'ä\\u0000  spaced ' }] })
  const reply = await ask(socketPath, post(body))

  expect(reply.text).toBe(STREAM)
  expect(upstream.requests).toHaveLength(1)
  expect(upstream.requests[0]).toMatchObject({ method: 'POST', url: '/prefix/v1/messages?beta=true' })
  expect(upstream.requests[0]!.headers['x-api-key']).toBe(REAL_KEY)
  expect(upstream.requests[0]!.headers['accept-encoding']).toBe('identity')
  expect(upstream.requests[0]!.body.toString()).toBe(body)
  expect(ledger).toHaveLength(1)
  expect(ledger[0]).toMatchObject({
    endpoint: 'messages',
    model: 'claude-sonnet-4-5-20250929',
    outcome: 'completed',
    status: 200,
    requestId: 'req_1',
    scripted: false,
    estimated: false,
    priceKnown: true,
    tokens: { inputTokens: 10, outputTokens: 7, cacheReadTokens: 20, cacheWrite5mTokens: 5 },
  })
  expect(ledger[0]!.costUsd).toBeCloseTo((10 * 3 + 7 * 15 + 20 * 0.3 + 5 * 3.75) / 1e6, 12)
})

test('every chunk is passed on before the next one comes, wherever it is cut', async () => {
  const bytes = Buffer.from(STREAM)
  let answer: ServerResponse | undefined
  const upstream = await startUpstream(res => {
    answer = res.writeHead(200, EVENT_STREAM)
    answer.flushHeaders()
  })
  const { socketPath, ledger } = await openClaude(upstream.url)
  const client = request({ socketPath, agent: false, ...post() }).end(question())
  const [incoming] = await once(client, 'response')
  let received = Buffer.alloc(0)
  incoming.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
  })
  // In the middle of the crab's four bytes, of a line, of a key.
  const crab = bytes.indexOf('🦀')
  const cuts = [0, 3, crab - 40, crab + 1, crab + 3, bytes.indexOf('output_tokens":7') + 9, bytes.length]
  for (const [index, cut] of cuts.entries()) {
    if (index === 0) continue
    answer!.write(bytes.subarray(cuts[index - 1], cut))
    await vi.waitFor(() => expect(received.length).toBe(cut), { interval: 2 })
  }
  answer!.end()
  await once(incoming, 'end')
  expect(received.equals(bytes)).toBe(true)
  expect(ledger[0]!.tokens.outputTokens).toBe(7)
})

test('no credential of the client reaches the upstream, however it is called', async () => {
  const upstream = await streaming()
  const { socketPath } = await openClaude(upstream.url)
  const own = 'sk-ant-own-key-of-the-agent'
  const headersSent = {
    ...BEARER,
    'x-api-key': own,
    cookie: `session=${own}`,
    'proxy-authorization': `Bearer ${own}`,
    'anthropic-api-key': own,
    'anthropic-auth-token': own,
    'x-goog-api-key': own,
    'api-key': own,
    x_api_key: own,
    authorization2: own,
    forwarded: `for=${own}`,
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'one,two',
    'user-agent': 'claude-cli/1',
    'x-app': 'cli',
    'x-stainless-lang': 'js',
  }
  const reply = await ask(socketPath, post(question(), headersSent))
  expect(reply.status).toBe(200)
  const { headers } = upstream.requests[0]!
  expect(JSON.stringify(headers)).not.toContain(own)
  expect(JSON.stringify(headers)).not.toContain(TOKEN)
  expect(Object.keys(headers).sort()).toEqual([
    'accept-encoding',
    'anthropic-beta',
    'anthropic-version',
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
    'x-api-key',
    'x-app',
    'x-stainless-lang',
  ])
})

test('a key that belongs in Authorization goes there, as Bearer', async () => {
  const upstream = await streaming()
  const { socketPath } = await openClaude(upstream.url, {
    keys: {
      forOrganization: async () => ({ baseUrl: upstream.url, apiKey: REAL_KEY, headerName: 'Authorization' }),
    },
  })
  await ask(socketPath, post())
  expect(upstream.requests[0]!.headers.authorization).toBe(`Bearer ${REAL_KEY}`)
  expect(upstream.requests[0]!.headers['x-api-key']).toBeUndefined()
})

test.each([
  ['POST', '/v1/files'],
  ['GET', '/v1/files'],
  ['POST', '/v1/messages/batches'],
  ['POST', '/v1/complete'],
  ['GET', '/v1/messages'],
  ['GET', '/v1/organizations/me'],
  ['POST', '/v1/messages/'],
  ['POST', '/v1//messages'],
  ['POST', '/v1/messages%2f..%2ffiles'],
  ['POST', '/v1/messages/../files'],
  ['POST', '/v1/oauth/token'],
  ['DELETE', '/v1/models'],
])('%s %s is not open, and trying it is reported', async (method, path) => {
  const upstream = await streaming()
  const { socketPath, denied, ledger } = await openClaude(upstream.url)
  const reply = await ask(socketPath, { ...post(), method, path: `/claude${path}?x=1` })
  expect(reply.status).toBe(404)
  expect(JSON.parse(reply.text)).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
  expect(denied).toEqual([{ what: `${method} ${path}`, reason: expect.any(String) }])
  expect(upstream.requests).toEqual([])
  expect(ledger).toEqual([])
})

test('models can be listed and tokens counted, at no cost; unknown parameters stay here', async () => {
  const upstream = await answering(200, { type: 'message', input_tokens: 5, usage: { input_tokens: 5 } })
  const { socketPath, ledger } = await openClaude(upstream.url)
  await ask(socketPath, { path: '/claude/v1/models?limit=5&api_key=x&beta=true', headers: BEARER })
  await ask(socketPath, { ...post(), path: '/claude/v1/messages/count_tokens' })
  expect(upstream.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /v1/models?beta=true&limit=5',
    'POST /v1/messages/count_tokens',
  ])
  expect(ledger.map(({ endpoint, costUsd }) => [endpoint, costUsd])).toEqual([
    ['models', 0],
    ['count_tokens', 0],
  ])
})

test('Claude Code’s probe is answered here and is no offence', async () => {
  const { socketPath, denied } = await openClaude('http://127.0.0.1:9')
  expect((await ask(socketPath, { method: 'HEAD', path: '/claude/api/hello', headers: BEARER })).status).toBe(
    200,
  )
  expect(denied).toEqual([])
})

test('the clean verification of a job has no way to Claude', async () => {
  const upstream = await streaming()
  const { socketPath, denied } = await openClaude(upstream.url, { attempt: makeAttempt({ phase: 'verify' }) })
  expect((await ask(socketPath, post())).status).toBe(403)
  expect(denied).toHaveLength(1)
  expect(upstream.requests).toEqual([])
})

const sonnetOnly = () => makeAttempt({ allowedModels: ['claude-sonnet-4-5'] })

test.each([
  ['itself', { model: 'claude-sonnet-4-5' }],
  ['its dated version', { model: 'claude-sonnet-4-5-20250929' }],
])('an allowed model is let through: %s', async (_, extra) => {
  const upstream = await streaming()
  const { socketPath } = await openClaude(upstream.url, { attempt: sonnetOnly() })
  expect((await ask(socketPath, post(question(extra)))).status).toBe(200)
})

test.each<[string, string]>([
  ['another model', question({ model: 'claude-opus-4-5' })],
  ['a longer name', question({ model: 'claude-sonnet-4-5-plus' })],
  [
    'a helper’s model',
    question({ tools: [{ type: 'advisor_20260301', name: 'a', model: 'claude-opus-4-5' }] }),
  ],
  ['a fallback model', question({ fallbacks: [{ model: 'claude-opus-4-5' }] })],
])('what asks for a model that is not allowed is refused: %s', async (_, body) => {
  const upstream = await streaming()
  const { socketPath, denied } = await openClaude(upstream.url, { attempt: sonnetOnly() })
  const reply = await ask(socketPath, post(body))
  expect(reply.status).toBe(403)
  expect(JSON.parse(reply.text).error.message).toContain('may not use the model')
  expect(denied).toHaveLength(1)
  expect(upstream.requests).toEqual([])
})

test.each<[string, object]>([
  ['MCP servers', { mcp_servers: [{ type: 'url', url: 'https://evil.example' }] }],
  ['the fetching tool', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }],
  [
    'an image by URL in a tool result',
    {
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              content: [{ type: 'image', source: { type: 'url', url: 'https://evil.example/?secret' } }],
            },
          ],
        },
      ],
    },
  ],
])('the API does not fetch for a container without network: %s', async (_, extra) => {
  const upstream = await streaming()
  const { socketPath, denied } = await openClaude(upstream.url)
  expect((await ask(socketPath, post(question(extra)))).status).toBe(403)
  expect(denied).toHaveLength(1)
  expect(upstream.requests).toEqual([])
})

test.each<[string, string | Buffer]>([
  ['a model named twice', '{"model":"claude-opus-4-5","model":"claude-sonnet-4-5"}'],
  ['a model named twice, once escaped', '{"mod\u0065l":"claude-opus-4-5","model":"claude-sonnet-4-5"}'],
  [
    'a model named twice in two cases',
    '{"Model":"claude-opus-4-5","a":{"model":1},"model":"claude-sonnet-4-5"}',
  ],
  ['no model', '{}'],
  ['a model that is no text', '{"model":["claude-sonnet-4-5"]}'],
  ['an array', '["model"]'],
  ['not JSON', 'model=claude'],
  ['nothing', ''],
  ['compressed JSON', Buffer.from([0x1f, 0x8b, 8, 0])],
])('a body that can be read in two ways, or not at all, goes nowhere: %s', async (_, body) => {
  const upstream = await streaming()
  const { socketPath } = await openClaude(upstream.url, { attempt: sonnetOnly() })
  const reply = await ask(socketPath, post(body))
  expect(reply.status).toBe(400)
  expect(JSON.parse(reply.text).error.type).toBe('invalid_request_error')
  expect(upstream.requests).toEqual([])
})

test('an exhausted budget is refused in a way that is not retried, before anything is asked', async () => {
  const upstream = await streaming()
  const { socketPath } = await openClaude(upstream.url, {
    budget: { check: () => ({ allowed: false, message: 'This job has used its 5.00 USD.' }) },
  })
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(403)
  expect(reply.headers['x-should-retry']).toBe('false')
  expect(JSON.parse(reply.text).error).toEqual({
    type: 'permission_error',
    message: 'budget_exceeded: This job has used its 5.00 USD.',
  })
  expect(upstream.requests).toEqual([])
})

test('bodies and requests of one attempt are bounded', async () => {
  const upstream = await startUpstream(() => {})
  const { socketPath } = await openClaude(upstream.url, {
    limits: { maxBodyBytes: 1_000, maxBufferedBytes: 1_500, maxConcurrentRequests: 2 },
  })
  expect((await ask(socketPath, post('x'.repeat(1_001)))).status).toBe(413)
  const held = request({ socketPath, agent: false, ...post() }).on('error', () => {})
  held.end(question({ system: 'x'.repeat(800) }))
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(1))
  expect((await ask(socketPath, post('x'.repeat(900)))).status).toBe(413)
  const second = request({ socketPath, agent: false, ...post() }).on('error', () => {})
  second.end(question())
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(2))
  expect((await ask(socketPath, post())).status).toBe(429)
  held.destroy()
  second.destroy()
})

test('answers of the scripted model are marked', async () => {
  const usage = { input_tokens: 3, output_tokens: 4 }
  const message = { type: 'message', model: 'claude-opus-4-5', usage }
  const upstream = await answering(200, message, { 'x-scripted-model': '1' })
  const { socketPath, ledger } = await openClaude(upstream.url)
  const reply = await ask(socketPath, post(question({ stream: false })))
  expect(reply.headers['x-scripted-model']).toBe('1')
  expect(ledger).toMatchObject([{ scripted: true, tokens: { inputTokens: 3, outputTokens: 4 } }])
})

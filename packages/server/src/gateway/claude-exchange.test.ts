import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { answering, EVENT_STREAM, post, question, STREAM, streaming } from './test-claude.ts'
import { ask, makeAttempt, messageStart, openClaude, REAL_KEY, sse, startUpstream } from './test-scene.ts'

test.each([
  [429, 'rate_limit_error', { 'retry-after': '7' }],
  [529, 'overloaded_error', {}],
  [500, 'api_error', {}],
  [400, 'invalid_request_error', {}],
])('an upstream %i is passed on with its headers', async (status, type, headers) => {
  const error = { type: 'error', error: { type, message: 'as the upstream says' } }
  const upstream = await answering(status, error, { ...headers, 'set-cookie': 'a=b' })
  const { socketPath, ledger } = await openClaude(upstream.url)
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(status)
  expect(JSON.parse(reply.text)).toEqual(error)
  expect(reply.headers).toMatchObject(headers)
  expect(reply.headers['set-cookie']).toBeUndefined()
  expect(ledger).toMatchObject([{ status, outcome: 'upstream_error', costUsd: 0 }])
})

test('a refused key is named to the worker and never to the client', async () => {
  const upstream = await answering(
    401,
    { error: { message: `invalid key ${REAL_KEY}` } },
    { 'x-echo': REAL_KEY },
  )
  const { socketPath, authFailures, ledger } = await openClaude(upstream.url)
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(401)
  expect(reply.text).toContain('claude_auth')
  expect(reply.headers['x-should-retry']).toBe('false')
  expect(JSON.stringify([reply.headers, reply.text])).not.toContain(REAL_KEY)
  expect(authFailures).toEqual(['attempt-1'])
  expect(ledger).toMatchObject([{ status: 401, outcome: 'upstream_error' }])
})

test('an error that repeats the key is passed on without it', async () => {
  const upstream = await answering(400, { error: { message: `bad header x-api-key: ${REAL_KEY}` } })
  const { socketPath } = await openClaude(upstream.url)
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(400)
  expect(reply.text).toContain('[key]')
  expect(reply.text).not.toContain(REAL_KEY)
})

test('without a key the job learns what is missing', async () => {
  const { socketPath, authFailures } = await openClaude('', {
    keys: { forOrganization: async () => undefined },
  })
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(401)
  expect(reply.text).toContain('ANTHROPIC_API_KEY')
  expect(authFailures).toEqual(['attempt-1'])
})

test('an unreachable upstream is an overload that is retried, and says what it is', async () => {
  const { socketPath, ledger } = await openClaude('http://127.0.0.1:9')
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(529)
  expect(reply.headers['x-should-retry']).toBe('true')
  expect(JSON.parse(reply.text).error).toEqual({
    type: 'overloaded_error',
    message: 'claude_unavailable: the Claude API at 127.0.0.1:9 is unreachable (ECONNREFUSED).',
  })
  expect(ledger).toMatchObject([{ status: 529, outcome: 'upstream_unreachable' }])
})

test('a kept-alive connection that the upstream has closed costs the client nothing', async () => {
  let connections = 0
  const server = createTcpServer(socket => {
    const isFirst = ++connections === 1
    let asked = 0
    socket
      .on('error', () => {})
      .on('data', () => {
        // The first connection dies when it is used a second time.
        if (isFirst && ++asked === 2) socket.destroy()
        else socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { socketPath } = await openClaude(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  expect((await ask(socketPath, post())).status).toBe(200)
  expect((await ask(socketPath, post())).status).toBe(200)
  expect(connections).toBe(2)
})

const HALF = [
  messageStart({ input_tokens: 10, output_tokens: 1 }),
  sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'x'.repeat(70) } }),
].join('')

test('a cut stream is cut for the client, too, and what was seen is counted', async () => {
  const upstream = await startUpstream(res => {
    res.writeHead(200, EVENT_STREAM)
    res.write(HALF, () => res.destroy())
  })
  const { socketPath, ledger } = await openClaude(upstream.url)
  await expect(ask(socketPath, post())).rejects.toThrow()
  await vi.waitFor(() => expect(ledger).toHaveLength(1))
  expect(ledger[0]).toMatchObject({ outcome: 'upstream_cut', status: 200, estimated: true })
  expect(ledger[0]!.tokens).toMatchObject({ inputTokens: 10, outputTokens: 20 })
})

test('a stalled stream ends after the limit, and the upstream is let go', async () => {
  const upstream = await startUpstream(res => void res.writeHead(200, EVENT_STREAM).write(HALF))
  const { socketPath, ledger } = await openClaude(upstream.url, { limits: { idleTimeoutMs: 80 } })
  await expect(ask(socketPath, post())).rejects.toThrow()
  await vi.waitFor(() => expect(ledger).toMatchObject([{ outcome: 'upstream_stalled', estimated: true }]))
  await vi.waitFor(() => expect(upstream.aborted).toBe(1))
})

test('an upstream that never answers is given up, in words', async () => {
  const upstream = await startUpstream(() => {})
  const { socketPath, ledger } = await openClaude(upstream.url, { limits: { idleTimeoutMs: 80 } })
  const reply = await ask(socketPath, post())
  expect(reply.status).toBe(529)
  expect(reply.text).toContain('did not answer in time')
  expect(ledger).toMatchObject([{ outcome: 'upstream_stalled', status: 529 }])
})

test('a client that leaves takes its upstream request along; what it read is counted', async () => {
  const upstream = await startUpstream(res => void res.writeHead(200, EVENT_STREAM).write(HALF))
  const { socketPath, ledger } = await openClaude(upstream.url)
  const client = request({ socketPath, agent: false, ...post() })
    .on('error', () => {})
    .end(question())
  const [incoming] = await once(client, 'response')
  await once(incoming, 'data')
  client.destroy()
  await vi.waitFor(() => expect(upstream.aborted).toBe(1))
  await vi.waitFor(() => expect(ledger).toMatchObject([{ outcome: 'client_closed', estimated: true }]))
  expect(ledger[0]!.tokens.outputTokens).toBe(20)
})

test('the end of the lease ends the upstream request', async () => {
  const upstream = await startUpstream(res => void res.writeHead(200, EVENT_STREAM).write(HALF))
  const attempt = makeAttempt()
  const { socketPath, ledger } = await openClaude(upstream.url, { attempt })
  const answer = ask(socketPath, post())
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(1))
  attempt.end()
  await expect(answer).rejects.toThrow()
  await vi.waitFor(() => expect(upstream.aborted).toBe(1))
  await vi.waitFor(() => expect(ledger).toMatchObject([{ outcome: 'client_closed' }]))
})

test('an error inside the stream is passed on and noted', async () => {
  const error = sse('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
  const upstream = await startUpstream(res => void res.writeHead(200, EVENT_STREAM).end(HALF + error))
  const { socketPath, ledger } = await openClaude(upstream.url)
  expect((await ask(socketPath, post())).text).toBe(HALF + error)
  expect(ledger).toMatchObject([{ outcome: 'upstream_error', status: 200 }])
})

test('whoever sees the end of an answer finds it counted', async () => {
  const upstream = await streaming()
  let recorded = false
  const { socketPath } = await openClaude(upstream.url, {
    ledger: {
      record: async () => {
        await new Promise(resolve => setImmediate(resolve))
        recorded = true
      },
    },
  })
  await ask(socketPath, post())
  expect(recorded).toBe(true)
})

test('a ledger that fails costs the agent nothing', async () => {
  const upstream = await streaming()
  const error = vi.fn()
  const { socketPath } = await openClaude(upstream.url, {
    ledger: { record: () => Promise.reject(new Error('database is away')) },
    log: { warn: () => {}, error },
  })
  expect((await ask(socketPath, post())).text).toBe(STREAM)
  expect(error).toHaveBeenCalledOnce()
})

test('an answer larger than the client reads waits at the upstream, not in memory', async () => {
  const chunk = Buffer.alloc(256 * 1024, 'x')
  let written = 0
  const upstream = await startUpstream(res => {
    res.writeHead(200, EVENT_STREAM)
    const fill = () => {
      while (written < 400 && res.write(chunk)) written++
    }
    res.on('drain', fill)
    fill()
  })
  const { socketPath } = await openClaude(upstream.url)
  const client = request({ socketPath, agent: false, ...post() })
    .on('error', () => {})
    .end(question())
  await once(client, 'response')
  let before = -1
  await vi.waitFor(
    () => {
      const now = written
      const still = now === before
      before = now
      expect(still).toBe(true)
    },
    { interval: 100 },
  )
  expect(written * chunk.length).toBeLessThan(32 * 1024 * 1024)
  client.destroy()
})

import { expect, test } from 'vitest'
import { ask, messageStart, openClaude, REAL_KEY, sse, startUpstream, TOKEN } from './test-scene.ts'

const question = { model: 'claude-sonnet-4-5', max_tokens: 100, stream: true, messages: [] }
const ASK = {
  method: 'POST',
  path: '/claude/v1/messages?beta=true',
  headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  body: JSON.stringify(question),
}
const STREAM = [
  messageStart({
    input_tokens: 10,
    cache_read_input_tokens: 20,
    cache_creation_input_tokens: 5,
    output_tokens: 1,
  }),
  sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'grüße 🦀' } }),
  sse('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } }),
  sse('message_stop', {}),
].join('')

const streaming = () =>
  startUpstream(res => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_1' })
    res.end(STREAM)
  })

test('an answer arrives byte for byte, with the real key used upstream and the usage counted once', async () => {
  const upstream = await streaming()
  const { socketPath, ledger } = await openClaude(`${upstream.url}/prefix/`)
  const reply = await ask(socketPath, ASK)

  expect(reply.text).toBe(STREAM)
  expect(upstream.requests).toHaveLength(1)
  expect(upstream.requests[0]).toMatchObject({ method: 'POST', url: '/prefix/v1/messages?beta=true' })
  expect(upstream.requests[0]!.headers['x-api-key']).toBe(REAL_KEY)
  expect(upstream.requests[0]!.body.toString()).toBe(ASK.body)
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

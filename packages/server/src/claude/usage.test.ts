import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createUsageCounter } from './usage.ts'

const event = (type: string, data: object) =>
  `event: ${type}\r\ndata: ${JSON.stringify({ type, ...data })}\r\n\r\n`
const start = event('message_start', {
  message: {
    model: 'claude-opus-5-5',
    usage: {
      input_tokens: 12,
      output_tokens: 1,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      inference_geo: 'us',
    },
  },
})
const text = event('content_block_delta', { delta: { type: 'text_delta', text: 'äöü 🦀 '.repeat(10) } })
const end = event('message_delta', {
  usage: { output_tokens: 50, speed: 'fast', server_tool_use: { web_search_requests: 2 } },
})

const countStream = (...chunks: (string | Buffer)[]) => {
  const counter = createUsageCounter('stream')
  for (const chunk of chunks) counter.push(Buffer.from(chunk))
  return counter.finish()
}

test('a stream is counted with caches, searches and what changes its price', () => {
  expect(countStream(start, text, end)).toEqual({
    model: 'claude-opus-5-5',
    tokens: {
      inputTokens: 12,
      outputTokens: 50,
      cacheReadTokens: 100,
      cacheWrite5mTokens: 10,
      cacheWrite1hTokens: 20,
      webSearches: 2,
    },
    extras: [],
    conditions: { fast: true, usOnly: true },
    estimated: false,
    streamError: undefined,
  })
})

test('wherever a stream is cut into chunks, the count is the same', () => {
  const bytes = Buffer.from(start + text + end)
  const whole = countStream(bytes)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), points => {
      const cuts = [0, ...points.sort((a, b) => a - b), bytes.length]
      const chunks = cuts.slice(1).map((cut, index) => bytes.subarray(cuts[index], cut))
      expect(countStream(...chunks)).toEqual(whole)
    }),
  )
})

test('a last line without its end counts', () => {
  expect(countStream(start, end.trimEnd()).tokens.outputTokens).toBe(50)
})

test('a cut stream is estimated from what passed', () => {
  const counted = countStream(start, text)
  expect(counted.estimated).toBe(true)
  expect(counted.tokens.outputTokens).toBe(Math.ceil('äöü 🦀 '.repeat(10).length / 3.5))
})

test('helpers within an answer are counted beside it', () => {
  const iterations = [
    { type: 'message', input_tokens: 12, output_tokens: 50 },
    { type: 'advisor_message', model: 'claude-mythos-5', input_tokens: 7, output_tokens: 8 },
  ]
  const counted = countStream(start, event('message_delta', { usage: { output_tokens: 50, iterations } }))
  expect(counted.extras).toMatchObject([
    { model: 'claude-mythos-5', tokens: { inputTokens: 7, outputTokens: 8 } },
  ])
})

test('noise is no usage: odd lines, wrong types, broken JSON, a line of megabytes', () => {
  const noise = [
    'data: {"type":"message_delta","usage":{"output_tokens":"9"}}\n',
    'data: {"type":"message_delta","usage":{"output_tokens":-4}}\n',
    'data: {"type":"message_start","message":null}\n',
    'data: [1]\ndata: {\ndata:\n: comment\nretry: 5\n\n',
    `data: ${'x'.repeat(3 * 1024 * 1024)}\n`,
  ]
  expect(countStream(start, ...noise).tokens).toMatchObject({ inputTokens: 12, outputTokens: 1 })
  expect(countStream(...noise, start, end).tokens.outputTokens).toBe(50)
})

test('an answer that is not streamed is counted, and one too large or of another kind is not', () => {
  const count = (body: string) => {
    const counter = createUsageCounter('json')
    for (const half of [body.slice(0, 20), body.slice(20)]) counter.push(Buffer.from(half))
    return counter.finish()
  }
  const usage = { input_tokens: 3, output_tokens: 4 }
  expect(count(JSON.stringify({ type: 'message', model: 'm', usage }))).toMatchObject({
    model: 'm',
    tokens: { inputTokens: 3, outputTokens: 4 },
  })
  const large = JSON.stringify({ type: 'message', text: 'x'.repeat(9 * 1024 * 1024), usage })
  expect(count(large).tokens.inputTokens).toBe(0)
  expect(count(JSON.stringify({ type: 'error', usage })).tokens.inputTokens).toBe(0)
})

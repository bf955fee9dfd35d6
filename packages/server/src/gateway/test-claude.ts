// What the tests of the way to Claude ask, and what their upstreams answer.
import { messageStart, sse, startUpstream, TOKEN } from './test-scene.ts'

export const BEARER = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
export const question = (extra: object = {}) =>
  JSON.stringify({ model: 'claude-sonnet-4-5', max_tokens: 100, stream: true, messages: [], ...extra })
export const post = (body: string | Buffer = question(), headers: Record<string, string> = BEARER) => ({
  method: 'POST',
  path: '/claude/v1/messages?beta=true',
  headers,
  body,
})

export const STREAM = [
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

export const EVENT_STREAM = { 'content-type': 'text/event-stream', 'request-id': 'req_1' }
export const streaming = () => startUpstream(res => void res.writeHead(200, EVENT_STREAM).end(STREAM))
export const answering = (status: number, body: object, headers: Record<string, string> = {}) =>
  startUpstream(res => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
  })

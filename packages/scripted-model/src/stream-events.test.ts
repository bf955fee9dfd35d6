import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Answer, AnswerBlock } from './answer.ts'
import { streamEvents } from './stream-events.ts'

const answer = (content: AnswerBlock[]): Answer => ({
  id: 'msg_1',
  model: 'claude-opus-5-5',
  content,
  stopReason: 'tool_use',
  usage: { inputTokens: 4, outputTokens: 30, cacheReadTokens: 100, cacheWriteTokens: 20 },
})

const eventsOf = (content: AnswerBlock[], pieceLength: number) =>
  [...streamEvents(answer(content), pieceLength)].map(({ data }) => {
    const [, name, json] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(data) ?? []
    const body = JSON.parse(json ?? '')
    expect(body.type).toBe(name)
    return body
  })

const blocks: AnswerBlock[] = [
  { type: 'text', text: 'Hello' },
  { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'ls' } },
]

describe('the events of an answer', () => {
  test('come in the order of the API', () => {
    expect(eventsOf(blocks, 100).map(event => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  test('carry the usage at the start and in full at the end', () => {
    const events = eventsOf(blocks, 100)
    expect(events[0].message).toMatchObject({
      content: [],
      stop_reason: null,
      usage: {
        input_tokens: 4,
        cache_read_input_tokens: 100,
        cache_creation_input_tokens: 20,
        output_tokens: 1,
      },
    })
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 30 } })
  })

  test('give back any text and any input, however small the pieces', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.jsonValue(),
        fc.integer({ min: 1, max: 9 }),
        (text, value, length) => {
          const input = { value }
          const events = eventsOf(
            [
              { type: 'text', text },
              { type: 'tool_use', id: 't', name: 'Bash', input },
            ],
            length,
          )
          const deltas = events
            .filter(event => event.type === 'content_block_delta')
            .map(event => event.delta)
          expect(deltas.map(delta => delta.text ?? '').join('')).toBe(text)
          expect(JSON.parse(deltas.map(delta => delta.partial_json ?? '').join(''))).toEqual(
            JSON.parse(JSON.stringify(input)),
          )
        },
      ),
      { numRuns: 40 },
    )
  })
})

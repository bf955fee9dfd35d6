import type { SDKMessage } from '@anthropic-ai/claude-agent-sdk'
import { expect, test } from 'vitest'
import { createClaudeEvents } from './claude-events.ts'

const setUp = () => {
  const emitted: { type: string; data: unknown }[] = []
  const deltas: unknown[] = []
  let nowMs = 1000
  const take = createClaudeEvents({
    events: {
      emit: (type, data) => emitted.push({ type, data }),
      delta: (text, parent) => deltas.push([text, parent]),
    },
    nowMs: () => nowMs,
  })
  return {
    emitted,
    deltas,
    take: (message: unknown) => take(message as SDKMessage),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const assistant = (content: unknown[], rest: object = {}) => ({
  type: 'assistant',
  message: { role: 'assistant', model: 'claude', content },
  parent_tool_use_id: null,
  ...rest,
})
const toolResult = (block: object, rest: object = {}) => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'tu_1', ...block }] },
  parent_tool_use_id: null,
  ...rest,
})

test('a tool that was used becomes a start and an end with its duration', () => {
  const { emitted, take, pass } = setUp()
  take(assistant([{ type: 'tool_use', id: 'tu_1', name: 'Bash', input: { command: 'ls' } }]))
  pass(250)
  take(toolResult({ content: 'a\nb', is_error: false }))
  expect(emitted).toEqual([
    { type: 'claude.tool.started', data: { toolUseId: 'tu_1', name: 'Bash', input: { command: 'ls' } } },
    { type: 'claude.tool.finished', data: { toolUseId: 'tu_1', ok: true, output: 'a\nb', durationMs: 250 } },
  ])
})

test("a sub-agent's words and tools name the tool use that started it", () => {
  const { emitted, deltas, take } = setUp()
  const parent = { parent_tool_use_id: 'tu_0' }
  take(assistant([{ type: 'text', text: 'Looking.' }], parent))
  take(assistant([{ type: 'tool_use', id: 'tu_1', name: 'Read', input: {} }], parent))
  take(toolResult({ content: [{ type: 'text', text: 'x' }, { type: 'image' }], is_error: true }, parent))
  take({
    type: 'stream_event',
    event: { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Lo' } },
    ...parent,
  })
  expect(emitted.map(({ data }) => data)).toMatchObject([
    { parentToolUseId: 'tu_0' },
    { parentToolUseId: 'tu_0' },
    { parentToolUseId: 'tu_0', ok: false, output: 'x\n[image]' },
  ])
  expect(deltas).toEqual([['Lo', 'tu_0']])
})

test('a long answer of a tool is cut in its middle', () => {
  const { emitted, take } = setUp()
  take(toolResult({ content: `begin${'x'.repeat(1_000_000)}end` }))
  const { output } = emitted[0]?.data as { output: string }
  expect(output.length).toBeLessThan(66_000)
  expect(output).toMatch(/^beginx+\n… \[\d+ characters cut\] …\nx+end$/)
})

test("thinking, blanks and Claude Code's own error messages are no messages", () => {
  const { emitted, take } = setUp()
  take(
    assistant([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: ' \n' },
    ]),
  )
  take({ ...assistant([{ type: 'text', text: 'API Error: 529' }]), error: 'overloaded' })
  take({ type: 'user', message: { role: 'user', content: 'a prompt' }, parent_tool_use_id: null })
  expect(emitted).toEqual([])
})

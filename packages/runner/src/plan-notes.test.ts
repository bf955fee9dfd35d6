import type { SDKMessage } from '@anthropic-ai/claude-agent-sdk'
import { expect, test } from 'vitest'
import { createPlanNotes } from './plan-notes.ts'

const call = (id: string, name: string, input: object) =>
  ({
    type: 'assistant',
    message: { content: [{ type: 'tool_use', id, name, input }] },
  }) as unknown as SDKMessage

test('the plan of a call is known, also to whoever asks before the message with the call has come', async () => {
  const notes = createPlanNotes()
  const early = notes.planOf('toolu_1')
  notes.take(call('toolu_0', 'ExitPlanMode', { plan: 'another' }))
  notes.take(call('toolu_1', 'ExitPlanMode', { plan: 'write planned.txt' }))
  expect(await early).toBe('write planned.txt')
  expect(await notes.planOf('toolu_1')).toBe('write planned.txt')
  expect(await notes.planOf('toolu_0')).toBe('another')
})

test.each([{}, { plan: 7 }])('a call with %j gives none', async input => {
  const notes = createPlanNotes()
  notes.take(call('toolu_1', 'ExitPlanMode', input))
  expect(await notes.planOf('toolu_1')).toBeUndefined()
})

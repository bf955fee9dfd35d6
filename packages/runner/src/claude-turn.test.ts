import type { SDKResultMessage } from '@anthropic-ai/claude-agent-sdk'
import { expect, test } from 'vitest'
import { createTurns } from './claude-turn.ts'
import { RunError } from './failure.ts'

/** As the pinned version words them; recorded, and cut to what is looked at. */
const result = (fields: Record<string, unknown>): SDKResultMessage =>
  ({
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: '',
    ...fields,
  }) as unknown as SDKResultMessage

const codeOf = async (fields: Record<string, unknown>) => {
  const turns = createTurns()
  turns.sent('a')
  turns.result(result(fields))
  const end = await turns.end()
  return end.kind === 'failed' ? end.failure.code : end.kind
}

test.each([
  [{ result: 'Done.' }, 'done'],
  [
    { is_error: true, api_error_status: 401, result: 'Failed to authenticate. API Error: 401 invalid' },
    'claude_auth',
  ],
  [
    {
      is_error: true,
      api_error_status: 403,
      result: 'Failed to authenticate. API Error: 403 budget_exceeded: 5',
    },
    'budget_exceeded',
  ],
  [
    { is_error: true, api_error_status: 403, result: 'API Error: 403 The model x is not allowed' },
    'agent_error',
  ],
  [
    { is_error: true, api_error_status: 429, result: 'API Error: Request rejected (429)' },
    'claude_unavailable',
  ],
  [
    { is_error: true, api_error_status: 529, result: 'API Error: 529 Overloaded model.' },
    'claude_unavailable',
  ],
  [{ is_error: true, api_error_status: 400, result: 'API Error: 400 prompt is bad' }, 'agent_error'],
  [
    { is_error: true, api_error_status: 404, result: "There's an issue with the selected model" },
    'agent_error',
  ],
  [
    { is_error: true, terminal_reason: 'api_error', result: 'API Error: Connection refused' },
    'claude_unavailable',
  ],
  [{ is_error: true, subtype: 'error_max_turns', errors: [] }, 'agent_error'],
  [{ is_error: true, subtype: 'error_during_execution', errors: ['boom'] }, 'agent_error'],
])('%j ends the turn as %s', async (fields, expected) => {
  expect(await codeOf(fields)).toBe(expected)
})

test('a turn goes on until every message that was sent is answered', async () => {
  const turns = createTurns()
  turns.sent('task')
  turns.sent('reply')
  turns.result(result({ result: 'Without the reply.', user_message_uuids: ['task'] }))
  turns.result(result({ result: 'With the reply.', user_message_uuids: ['reply'] }))
  expect(await turns.end()).toEqual({ kind: 'done', text: 'With the reply.' })
})

test('sub-agents in the background are waited for, other background tasks are not', async () => {
  const turns = createTurns()
  turns.sent('task')
  turns.backgroundTasks([{ task_id: '1', task_type: 'local_agent', description: '' }])
  turns.result(result({ result: 'They are at it.' }))
  turns.backgroundTasks([{ task_id: '2', task_type: 'local_bash', description: '' }])
  turns.result(result({ result: 'They are done.' }))
  expect(await turns.end()).toEqual({ kind: 'done', text: 'They are done.' })
})

test('whatever ends an interrupted turn, it was interrupted', async () => {
  const turns = createTurns()
  turns.sent('task')
  turns.interrupt()
  turns.processEnded(new RunError('agent_crashed', 'killed'))
  expect(await turns.end()).toEqual({ kind: 'interrupted', text: '' })
})

test('a process that has ended fails every later turn too', async () => {
  const turns = createTurns()
  turns.processEnded(new RunError('agent_crashed', 'killed'))
  turns.sent('task')
  expect(await turns.end()).toMatchObject({ kind: 'failed', failure: { code: 'agent_crashed' } })
})

// How the peer's story is written down: short words for events and for text as it is typed. No story.
import type { NewEvent } from '@flowforge/protocol'

export type Beat = [afterMs: number, event: NewEvent]

export const tool = (
  toolUseId: string,
  name: string,
  input: unknown,
  parentToolUseId?: string,
): NewEvent => ({
  type: 'claude.tool.started',
  data: { toolUseId, name, input, parentToolUseId },
})
export const answer = (
  toolUseId: string,
  output: string,
  durationMs: number,
  ok = true,
  parentToolUseId?: string,
): NewEvent => ({
  type: 'claude.tool.finished',
  data: { toolUseId, ok, output, durationMs, parentToolUseId },
})
export const say = (text: string, parentToolUseId?: string): NewEvent => ({
  type: 'claude.message',
  data: { text, parentToolUseId },
})
export const stage = (name: Extract<NewEvent, { type: 'job.stage' }>['data']['stage']): NewEvent => ({
  type: 'job.stage',
  data: { stage: name },
})
export const usage = (costUsd: number): NewEvent => ({
  type: 'claude.usage',
  data: {
    model: 'claude-sonnet-4-5',
    inputTokens: 1_420,
    outputTokens: 610,
    cacheReadTokens: 18_300,
    cacheWriteTokens: 2_100,
    costUsd,
  },
})

/** A message as it is written: deltas first, then the whole. */
export function written(text: string, stepMs = 35, parentToolUseId?: string): Beat[] {
  const words = text.match(/\S+\s*/g) ?? []
  return [
    ...words.map(
      (word): Beat => [stepMs, { type: 'claude.text.delta', data: { text: word, parentToolUseId } }],
    ),
    [stepMs, say(text, parentToolUseId)],
  ]
}

export const file = (name: string) => `/workspace/repository/${name}`
export const todos = (done: number) => ({
  todos: [
    'Reproduce the wrong total',
    'Find where coupon and shipping meet',
    'Fix it',
    'Add a test for the combination',
  ].map((content, index) => ({
    content,
    activeForm: content,
    status: index < done ? 'completed' : index === done ? 'in_progress' : 'pending',
  })),
})

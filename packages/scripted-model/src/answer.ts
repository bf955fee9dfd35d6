// What the model answers: content blocks, stop reason and usage, before anything is written to the wire. Pure but for ids.
import { randomBytes } from 'node:crypto'
import type { ChosenStep } from './choose-step.ts'
import type { Conversation } from './conversation.ts'
import type { MessagesRequest } from './messages-request.ts'
import { sampleJson } from './sample-json.ts'
import { fillText, fillValue } from './template.ts'
import { cutToTokens, tokensIn, type Usage, usageOf, usageOnTheWire } from './tokens.ts'

export type AnswerBlock =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }

export interface Answer {
  id: string
  model: string
  content: AnswerBlock[]
  stopReason: string
  usage: Usage
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** As the API's ids look: a prefix, a version and 22 characters. */
export const newId = (prefix: 'msg' | 'toolu' | 'req'): string =>
  `${prefix}_01${Array.from(randomBytes(22), byte => ALPHABET[byte % ALPHABET.length]).join('')}`

const lengthOf = (block: AnswerBlock): number =>
  tokensIn(block.type === 'text' ? block.text : block.name + JSON.stringify(block.input))

function contentOf(chosen: ChosenStep, conversation: Conversation): AnswerBlock[] {
  const { task, cwd, planFile, turn } = conversation
  const lastToolResult = turn.toolResults.at(-1)
  const found = chosen.step.when?.lastToolResult.exec(lastToolResult ?? '')
  const words = {
    task,
    cwd,
    planFile,
    prompt: turn.prompt,
    lastToolResult,
    found: found?.[1] ?? found?.[0],
    ...Object.fromEntries(chosen.captures.map((capture, index) => [String(index), capture])),
  }
  const text = chosen.step.text === undefined ? '' : fillText(chosen.step.text, words).trimEnd()
  const tools = chosen.step.tools.map(
    ({ name, input }): AnswerBlock => ({
      type: 'tool_use',
      id: newId('toolu'),
      name: fillText(name, words),
      input: fillValue(input, words),
    }),
  )
  return text ? [{ type: 'text', text }, ...tools] : tools
}

/** Text is cut where `max_tokens` ends; a tool use that does not fit whole is left out. */
function withinLimit(content: AnswerBlock[], maxTokens: number): AnswerBlock[] {
  const kept: AnswerBlock[] = []
  let left = maxTokens
  for (const block of content) {
    const length = lengthOf(block)
    if (length <= left) kept.push(block)
    else if (block.type === 'text') kept.push({ type: 'text', text: cutToTokens(block.text, left) })
    left -= length
    if (left <= 0) break
  }
  return kept
}

export function composeAnswer(
  request: MessagesRequest,
  conversation: Conversation,
  chosen: ChosenStep,
): Answer {
  const format = request.output_config?.format
  const whole =
    format && conversation.kind === 'side'
      ? [{ type: 'text' as const, text: JSON.stringify(sampleJson(format.schema, chosen.step.text ?? 'ok')) }]
      : contentOf(chosen, conversation)
  const content = withinLimit(whole, request.max_tokens)
  const outputTokens = content.reduce((sum, block) => sum + lengthOf(block), 0)
  const wholeTokens = whole.reduce((sum, block) => sum + lengthOf(block), 0)
  const usesTool = content.some(block => block.type === 'tool_use')
  return {
    id: newId('msg'),
    model: request.model,
    content,
    stopReason:
      chosen.step.stopReason ??
      (wholeTokens > request.max_tokens ? 'max_tokens' : usesTool ? 'tool_use' : 'end_turn'),
    usage: usageOf(request, outputTokens, chosen.step.usage),
  }
}

/** The body of an answer that is not streamed. */
export const messageOnTheWire = (answer: Answer) => ({
  id: answer.id,
  type: 'message',
  role: 'assistant',
  model: answer.model,
  content: answer.content,
  stop_reason: answer.stopReason,
  stop_sequence: null,
  usage: usageOnTheWire(answer.usage),
})

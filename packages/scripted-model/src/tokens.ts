// Counts tokens by length, and shares them out between fresh input and the prompt cache as the API would.
import { blocksOf, type CountTokensRequest } from './messages-request.ts'
import type { PlainStep } from './scenario.ts'

export interface Usage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
}

const CHARACTERS_PER_TOKEN = 4

export const tokensIn = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN)
export const cutToTokens = (text: string, tokens: number): string =>
  text.slice(0, tokens * CHARACTERS_PER_TOKEN)

const sizeOf = (value: unknown): number => (value === undefined ? 0 : tokensIn(JSON.stringify(value)))

export const countInput = (request: CountTokensRequest): number =>
  sizeOf(request.system) + sizeOf(request.tools) + sizeOf(request.messages)

const marksCache = (request: CountTokensRequest): boolean =>
  [blocksOf(request.system), ...request.messages.map(message => blocksOf(message.content))]
    .flat()
    .some(block => block.cache_control != null)

/**
 * With cache marks: all up to the model's last answer was cached by the request before and is read; what came since is
 * written. A guess without state, but the one that holds for a conversation that goes on without a pause.
 */
export function usageOf(request: CountTokensRequest, outputTokens: number, given: PlainStep['usage']): Usage {
  const all = countInput(request)
  const known = request.messages.findLastIndex(message => message.role === 'assistant')
  const cached = marksCache(request)
  const read = cached && known > 0 ? all - sizeOf(request.messages.slice(known)) : 0
  return {
    inputTokens: given?.inputTokens ?? (cached ? Math.min(4, all) : all),
    outputTokens: given?.outputTokens ?? Math.max(1, outputTokens),
    cacheReadTokens: given?.cacheReadTokens ?? read,
    cacheWriteTokens: given?.cacheWriteTokens ?? (cached ? Math.max(0, all - read - 4) : 0),
  }
}

/** As it stands in `usage` on the wire. */
export const usageOnTheWire = (usage: Usage) => ({
  input_tokens: usage.inputTokens,
  cache_creation_input_tokens: usage.cacheWriteTokens,
  cache_read_input_tokens: usage.cacheReadTokens,
  cache_creation: { ephemeral_5m_input_tokens: usage.cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
  output_tokens: usage.outputTokens,
  service_tier: 'standard',
})

// What the gateway writes down about every request that an attempt made to Claude. Words only; the store is elsewhere.
import type { TokenUsage } from '../claude/pricing.ts'
import type { GatewayAttempt } from './attempt.ts'
import type { ClaudeEndpoint } from './claude-request.ts'

/** How a request ended. Whatever the end, `tokens` is what was seen until then. */
export type ClaudeOutcome =
  | 'completed'
  /** An HTTP error status, or an error inside the stream. */
  | 'upstream_error'
  /** The connection broke in the middle of the answer. */
  | 'upstream_cut'
  /** Nothing came for longer than the limit. */
  | 'upstream_stalled'
  | 'upstream_unreachable'
  /** The client went away, or the attempt's lease ended. */
  | 'client_closed'

export interface ClaudeUsageEntry {
  attempt: GatewayAttempt
  endpoint: ClaudeEndpoint
  /** As the answer named it, else as asked for. */
  model: string
  tokens: TokenUsage
  costUsd: number
  /** False: the model is not in the price table. */
  priceKnown: boolean
  /** The answer was cut before its final count: its output is estimated from the text that passed. */
  estimated: boolean
  outcome: ClaudeOutcome
  /** What the client was answered. */
  status: number
  durationMs: number
  timeToFirstByteMs: number | undefined
  requestId: string | undefined
  /** Answered by the scripted model instead of Claude. */
  scripted: boolean
}

/** Called once per request that went upstream. The answer's end waits for it: who sees the end finds it counted. */
export type RecordClaudeUsage = (entry: ClaudeUsageEntry) => Promise<void> | void

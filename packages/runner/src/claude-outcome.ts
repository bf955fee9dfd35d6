// Why a turn of Claude Code failed, in FlowForge's words. Pure: judges the result message by what was seen of the pinned
// version (2.1.330) against each of these errors.
import type { SDKResultMessage } from '@anthropic-ai/claude-agent-sdk'
import { RunError } from './failure.ts'

const errorText = (result: SDKResultMessage): string =>
  (result.subtype === 'success' ? result.result : result.errors.join('; ')).trim()

const statusOf = (result: SDKResultMessage): number | undefined =>
  result.subtype === 'success' ? (result.api_error_status ?? undefined) : undefined

/** The gateway refuses with this word in its message when the job's money is spent. */
const isBudget = (text: string): boolean => text.includes('budget_exceeded')

const byStatus = (status: number, text: string): RunError => {
  if (status === 404 || (status === 403 && /\bmodel\b/i.test(text))) return new RunError('agent_error', text)
  if (status === 401 || status === 402 || status === 403)
    return new RunError('claude_auth', `Claude's API refused the request: ${text}`)
  if (status === 408 || status === 429 || status >= 500)
    return new RunError('claude_unavailable', `Claude's API did not answer: ${text}`)
  return new RunError('agent_error', text)
}

const bySubtype = (result: SDKResultMessage, text: string): RunError => {
  if (result.subtype === 'error_max_turns')
    return new RunError('agent_error', `Claude reached the limit of turns before it was done`)
  if (result.subtype === 'error_max_budget_usd') return new RunError('budget_exceeded', text)
  // An API error without a status had no answer at all: refused, reset, stalled.
  if (result.terminal_reason === 'api_error')
    return new RunError('claude_unavailable', `Claude's API could not be reached: ${text}`)
  return new RunError('agent_error', text || `Claude Code ended with ${result.subtype}`)
}

/** `undefined` when the turn went well. */
export const failureOf = (result: SDKResultMessage): RunError | undefined => {
  if (!result.is_error && result.subtype === 'success') return undefined
  const text = errorText(result)
  if (isBudget(text)) return new RunError('budget_exceeded', text)
  const status = statusOf(result)
  return status === undefined ? bySubtype(result, text) : byStatus(status, text)
}

/**
 * Claude Code repeats a refused key as often as an overloaded server, which takes minutes and mends nothing: the gateway
 * has tried the organization's other keys already. One repetition is allowed for a key that is just being replaced.
 */
export const isHopelessRetry = (retry: { attempt: number; error_status: number | null }): boolean =>
  retry.attempt >= 2 && (retry.error_status === 401 || retry.error_status === 403)

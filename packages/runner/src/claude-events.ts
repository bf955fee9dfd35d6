// Claude Code's messages as FlowForge's events. Pure but for the clock that it is given: what comes in decides what goes out.
import type { SDKMessage } from '@anthropic-ai/claude-agent-sdk'
import type { EventSender } from './event-sender.ts'
import { cleanText, cutMiddle } from './text.ts'

/** What a tool answered is shown, not kept whole. */
const MAX_TOOL_OUTPUT_CHARS = 64 * 1024

type Assistant = Extract<SDKMessage, { type: 'assistant' }>
type User = Extract<SDKMessage, { type: 'user' }>
type Partial = Extract<SDKMessage, { type: 'stream_event' }>

const parentOf = (message: { parent_tool_use_id: string | null }): { parentToolUseId?: string } =>
  message.parent_tool_use_id === null ? {} : { parentToolUseId: message.parent_tool_use_id }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** A tool result is text, or blocks of which only text can be shown. */
export const toolOutputText = (content: unknown): string => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content
    .map(block => {
      if (!isObject(block)) return ''
      return block.type === 'text' && typeof block.text === 'string' ? block.text : `[${String(block.type)}]`
    })
    .join('\n')
}

export const createClaudeEvents = (options: {
  events: Pick<EventSender, 'emit' | 'delta'>
  nowMs: () => number
}) => {
  const { events, nowMs } = options
  const startedAtMs = new Map<string, number>()

  const takeAssistant = (message: Assistant) => {
    // Claude Code words API errors as messages of its own; they become the failure's reason instead.
    if (message.error !== undefined || message.message.model === '<synthetic>') return
    for (const block of message.message.content) {
      if (block.type === 'text' && block.text.trim() !== '')
        events.emit('claude.message', { text: block.text, ...parentOf(message) })
      if (block.type === 'tool_use' || block.type === 'server_tool_use') {
        startedAtMs.set(block.id, nowMs())
        const { id: toolUseId, name, input } = block
        events.emit('claude.tool.started', { toolUseId, name, input: input ?? {}, ...parentOf(message) })
      }
    }
  }

  const takeUser = (message: User) => {
    const { content } = message.message
    if (!Array.isArray(content)) return
    for (const block of content) {
      if (block.type !== 'tool_result') continue
      const startMs = startedAtMs.get(block.tool_use_id)
      startedAtMs.delete(block.tool_use_id)
      events.emit('claude.tool.finished', {
        toolUseId: block.tool_use_id,
        ok: block.is_error !== true,
        output: cutMiddle(cleanText(toolOutputText(block.content)), MAX_TOOL_OUTPUT_CHARS),
        durationMs: startMs === undefined ? 0 : Math.max(0, Math.round(nowMs() - startMs)),
        ...parentOf(message),
      })
    }
  }

  const takePartial = (message: Partial) => {
    const { event } = message
    if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') return
    events.delta(cleanText(event.delta.text), message.parent_tool_use_id ?? undefined)
  }

  return (message: SDKMessage): void => {
    if (message.type === 'assistant') takeAssistant(message)
    else if (message.type === 'user') takeUser(message)
    else if (message.type === 'stream_event') takePartial(message)
  }
}

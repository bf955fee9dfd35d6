// Plans as Claude gave them with its calls of ExitPlanMode: what Claude Code asks about a call no longer has them.
import { setTimeout as delay } from 'node:timers/promises'
import type { SDKMessage } from '@anthropic-ai/claude-agent-sdk'

export interface PlanNotes {
  take(message: SDKMessage): void
  /** Undefined: that call gave none. */
  planOf(toolUseId: string): Promise<string | undefined>
}

/** The question about a call may overtake the message that has the call, by as long as that message is being stored. */
const MESSAGE_LIMIT_MS = 5_000

export const createPlanNotes = (): PlanNotes => {
  const notes = new Map<string, PromiseWithResolvers<string | undefined>>()
  const noteOf = (toolUseId: string) => {
    const note = notes.get(toolUseId) ?? Promise.withResolvers<string | undefined>()
    notes.set(toolUseId, note)
    return note
  }
  return {
    take: message => {
      if (message.type !== 'assistant') return
      for (const block of message.message.content) {
        if (block.type !== 'tool_use' || block.name !== 'ExitPlanMode') continue
        const { plan } = block.input as { plan?: unknown }
        noteOf(block.id).resolve(typeof plan === 'string' ? plan : undefined)
      }
    },
    planOf: toolUseId =>
      Promise.race([noteOf(toolUseId).promise, delay(MESSAGE_LIMIT_MS, undefined, { ref: false })]),
  }
}

// When a turn of Claude Code is over: one prompt and everything that joins it (replies, sub-agents in the background).
// Pure bookkeeping over the SDK's messages; starts nothing and waits for nothing itself.
import type { SDKMessage, SDKResultMessage } from '@anthropic-ai/claude-agent-sdk'
import { failureOf } from './claude-outcome.ts'
import type { RunError } from './failure.ts'

export type TurnEnd =
  | { kind: 'done'; text: string }
  | { kind: 'interrupted'; text: string }
  | { kind: 'failed'; failure: RunError }

type BackgroundTasks = Extract<SDKMessage, { subtype: 'background_tasks_changed' }>['tasks']

/** Sub-agents in the background report back and make another turn; a dev server left running does not. */
const awaitsAgents = (tasks: BackgroundTasks): boolean =>
  tasks.some(task => task.task_type === 'local_agent' && task.ambient !== true)

export interface Turns {
  /** A message with this id was sent; begins a turn when none is open. */
  sent(uuid: string): void
  result(result: SDKResultMessage): void
  backgroundTasks(tasks: BackgroundTasks): void
  /** From now on whatever ends the turn counts as interrupted. False when no turn is open. */
  interrupt(): boolean
  /** Ends the open turn as interrupted, or does nothing. */
  giveUp(): void
  fail(failure: RunError): void
  /** The process is gone: this and every later turn ends so. */
  processEnded(failure: RunError): void
  end(): Promise<TurnEnd>
}

export const createTurns = (): Turns => {
  /** Messages that no result has accounted for: one may still be on its way when another's turn ends. */
  const unanswered = new Set<string>()
  let background: BackgroundTasks = []
  let interrupted = false
  let lastText = ''
  let dead: TurnEnd | undefined
  let open: ReturnType<typeof Promise.withResolvers<TurnEnd>> | undefined

  const resolve = (end: TurnEnd) => open?.resolve(end)
  const orInterrupted = (end: TurnEnd): TurnEnd =>
    interrupted ? { kind: 'interrupted', text: lastText } : end

  return {
    sent: uuid => {
      open ??= Promise.withResolvers<TurnEnd>()
      unanswered.add(uuid)
      if (dead) resolve(dead)
    },
    result: result => {
      const failure = failureOf(result)
      if (failure || interrupted)
        return resolve(
          orInterrupted(failure ? { kind: 'failed', failure } : { kind: 'done', text: lastText }),
        )
      if (result.subtype === 'success') lastText = result.result
      for (const uuid of result.user_message_uuids ?? unanswered) unanswered.delete(uuid)
      const more = unanswered.size > 0 || (result.queued_turn_count ?? 0) > 0 || awaitsAgents(background)
      if (!more) resolve({ kind: 'done', text: lastText })
    },
    backgroundTasks: tasks => {
      background = tasks
    },
    interrupt: () => {
      interrupted = open !== undefined
      return interrupted
    },
    giveUp: () => resolve({ kind: 'interrupted', text: lastText }),
    fail: failure => resolve({ kind: 'failed', failure }),
    processEnded: failure => {
      dead = orInterrupted({ kind: 'failed', failure })
      resolve(dead)
    },
    end: async () => {
      if (!open) throw new Error('No turn was begun')
      const end = await open.promise
      open = undefined
      return end
    },
  }
}

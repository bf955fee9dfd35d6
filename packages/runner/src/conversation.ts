// Claude and the people of one job: opens the conversation or goes on with an earlier one, passes questions out and answers
// in, and puts it aside when the container is to be released. Knows nothing of verify and of how work is delivered.
import { randomUUID } from 'node:crypto'
import type { AgentWorkOrder, RequestKind } from '@flowforge/protocol'
import { createClaudeEvents } from './claude-events.ts'
import { createPermissions } from './claude-permissions.ts'
import { type ClaudeSession, startClaude } from './claude-session.ts'
import type { TurnEnd } from './claude-turn.ts'
import type { Reply, Verdict } from './control.ts'
import { claudeEnvironment } from './environment.ts'
import { messageOf } from './failure.ts'
import type { PhaseContext } from './phase.ts'
import { createPlanNotes } from './plan-notes.ts'
import { newestPlan } from './session-archive.ts'
import { systemPrompt } from './system-prompt.ts'
import { saveWork } from './work-tree.ts'

/** `parked`: conversation and work are kept, nothing more happens in this container. */
export type ConversationEnd = TurnEnd | { kind: 'parked' }

export interface Conversation {
  /** The words that begin it: of its own, or for Claude to go on with. */
  readonly firstPrompt: string
  /** One prompt and everything that replies add to it while it runs. */
  turn(prompt: string): Promise<ConversationEnd>
  /** Claude's plan is not approved yet: nothing was done. */
  readonly isPlanning: boolean
  /** Waits for what a person says next; undefined: nobody will. */
  nextReply(lastWords: string): Promise<Reply | 'parked' | undefined>
  readonly sessionId: string | undefined
  /** Keeps what stands in the transcript now. */
  keep(): Promise<void>
  close(): void
}

/**
 * Claude Code needs a third of a second to start: set-up runs beside it. The clone does not: a Claude that starts in an
 * empty directory mostly reads CLAUDE.md at the first prompt, but on a busy machine it sometimes has looked before.
 */
export const openConversation = async (
  context: PhaseContext,
  order: AgentWorkOrder,
): Promise<Conversation> => {
  const { events, state, control, signal, keeper } = context
  const afresh = order.prompt ?? order.task
  const planning = { now: order.planFirst ?? false }
  const tellAfresh = (reason: string) => events.emit('session.started_afresh', { reason })
  /** Tool uses that wait for a person. */
  const asked = new Set<string>()
  const plans = createPlanNotes()
  const parking = createParking(context, order, () => [...asked])

  const ask = async (
    request: { requestId: string; kind: RequestKind; input: unknown; toolUseId: string },
    ended: AbortSignal,
  ): Promise<Verdict | undefined> => {
    const { requestId, kind, input, toolUseId } = request
    asked.add(toolUseId)
    const verdict = control.verdict(requestId, AbortSignal.any([ended, signal, control.interruptSignal]))
    // Before anybody can answer: a machine that is lost while it waits loses nothing of the conversation.
    if (session.sessionId) await keeper.save(session.sessionId, [toolUseId])
    events.emit('approval.requested', { requestId, kind, input })
    const given = await verdict
    asked.delete(toolUseId)
    if (given?.decision === 'allow' && given.note && kind !== 'question') session.send(given.note)
    return given
  }

  const start = (resume: AgentWorkOrder['resume']): Promise<ClaudeSession> =>
    startClaude({
      loadSdk: context.loadSdk,
      executable: context.claudeExecutable,
      cwd: context.git.repository,
      env: claudeEnvironment(context.environment),
      trustedConfigDirectory: context.trustedConfigDirectory,
      systemPromptAppend: systemPrompt(order),
      model: order.model,
      maxTurns: order.maxTurns,
      planFirst: planning.now,
      mayAsk: (order.questions ?? 'decide') === 'ask',
      approvals: order.approvals ?? [],
      ...(resume === undefined ? {} : { resume: resume.sessionId }),
      canUseTool: createPermissions({
        ask,
        planning,
        // Claude writes it to a file; where it gave it with the call, Claude Code has taken it out.
        plan: async toolUseId => newestPlan(keeper.place) ?? plans.planOf(toolUseId),
        approvals: order.approvals ?? [],
        allowedCalls: order.allowedCalls ?? [],
      }),
      onMessage: message => {
        plans.take(message)
        take(message)
        return events.ready()
      },
      onSessionId: sessionId => state.tryUpdate({ sessionId }),
      onFirstAnswer: () => {
        if (resume)
          events.emit('session.resumed', { sessionId: resume.sessionId, fromAttempt: resume.fromAttempt })
      },
      onWaiting: detail =>
        detail === undefined
          ? events.emit('job.stage', { stage: 'working' })
          : events.emit('job.stage', { stage: 'waiting_for_claude', detail }),
    })
  const take = createClaudeEvents({ events, nowMs: () => performance.now() })

  let resume = order.resume
  const broken = resume && (await keeper.restore(resume.sessionId))
  if (broken || order.afreshBecause) tellAfresh(broken ?? order.afreshBecause!)
  if (broken) resume = undefined
  let session = await start(resume)

  const within = <T>(work: Promise<T>): Promise<T | { kind: 'parked' }> => parking.orStopped(work, session)

  const turn = async (prompt: string): Promise<ConversationEnd> => {
    const interrupt = () => void session.interrupt()
    control.interruptSignal.addEventListener('abort', interrupt)
    control.onReply = reply => {
      control.gave(reply.message)
      keeper.sent(reply)
      session.send(reply.text)
    }
    try {
      session.send(prompt)
      return await within(session.turnEnd())
    } finally {
      control.onReply = undefined
      control.interruptSignal.removeEventListener('abort', interrupt)
    }
  }

  return {
    firstPrompt: resume ? resume.prompt : afresh,
    turn: async prompt => {
      const end = await turn(prompt)
      const refused = resume !== undefined && !session.hasAnswered && end.kind === 'failed'
      if (!refused || !MENDED_AFRESH.has(end.failure.code)) return end
      // The transcript is damaged, or Claude does not take it: the work is more than the conversation.
      tellAfresh(`Claude could not go on with the saved conversation: ${end.failure.message.slice(0, 500)}`)
      session.close()
      resume = undefined
      session = await start(undefined)
      return turn(afresh)
    },
    get isPlanning() {
      return planning.now
    },
    nextReply: async lastWords => {
      const requestId = randomUUID()
      const given = control.verdict(requestId, AbortSignal.any([signal, control.interruptSignal]))
      if (session.sessionId) await keeper.save(session.sessionId, lastMessageOf(session))
      events.emit('approval.requested', { requestId, kind: 'reply', input: { text: lastWords } })
      const verdict = await within(given)
      if (!verdict) return undefined
      if ('kind' in verdict) return 'parked'
      return { text: verdict.note ?? 'Go on.', message: verdict.message }
    },
    get sessionId() {
      return session.sessionId
    },
    keep: async () => {
      if (session.sessionId) await keeper.save(session.sessionId, lastMessageOf(session))
    },
    close: () => session.close(),
  }
}

const MENDED_AFRESH = new Set(['agent_error', 'agent_crashed'])

const lastMessageOf = ({ lastMessageId }: ClaudeSession): string[] =>
  lastMessageId === undefined ? [] : [lastMessageId]

/** Releasing the container: first the work, then the conversation; only when both are kept does it end. */
const createParking = (context: PhaseContext, order: AgentWorkOrder, asked: () => string[]) => {
  const { control, signal, keeper, events } = context

  const keepAll = async (session: ClaudeSession): Promise<boolean> => {
    try {
      await saveWork(context.git, order.git.baseCommit)
      return session.sessionId !== undefined && (await keeper.save(session.sessionId, asked()))
    } catch (error) {
      signal.throwIfAborted()
      const text = `The unfinished work could not be kept: ${messageOf(error)}`
      events.emit('log', { stream: 'system', text })
      return false
    }
  }

  return {
    /** The end of `work`, or of everything, or `parked`: whichever comes first. */
    orStopped: async <T>(work: Promise<T>, session: ClaudeSession): Promise<T | { kind: 'parked' }> => {
      const parked = Promise.withResolvers<{ kind: 'parked' }>()
      const stopped = Promise.withResolvers<never>()
      stopped.promise.catch(() => {})
      const stop = () => stopped.reject(signal.reason)
      signal.addEventListener('abort', stop)
      if (signal.aborted) stop()
      control.onPark = () => {
        void keepAll(session).then(isKept => {
          if (isKept) parked.resolve({ kind: 'parked' })
          else control.goOn()
        }, stopped.reject)
      }
      try {
        return await Promise.race([work, parked.promise, stopped.promise])
      } finally {
        control.onPark = undefined
        signal.removeEventListener('abort', stop)
      }
    },
  }
}

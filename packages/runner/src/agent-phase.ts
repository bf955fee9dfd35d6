// The phase `agent` from empty directory to pushed branch: clone, setup, Claude, verify with feedback, commit, push.
// The order of these acts is here; how each is done is not.
import type { AgentWorkOrder, SettleReport, VerifyResult } from '@flowforge/protocol'
import { commitMessage } from './commit-message.ts'
import { type Conversation, openConversation } from './conversation.ts'
import { RunError } from './failure.ts'
import type { PhaseContext } from './phase.ts'
import { findRepositorySettings } from './repository-settings.ts'
import {
  failed,
  runSetup,
  runVerify,
  type ShellContext,
  verifyFailure,
  verifyFeedback,
} from './shell-commands.ts'
import { cutEnd } from './text.ts'
import { checkOut, commitAll, isAncestor, push, readHead } from './work-tree.ts'

const MAX_SUMMARY_CHARS = 100_000

/** For what an interrupt ends, although the attempt goes on. */
const interruptible = ({ signal, control }: PhaseContext): AbortSignal =>
  AbortSignal.any([signal, control.interruptSignal])

type AgentWork =
  | { kind: 'done'; summary: string; verify: VerifyResult[]; interrupted: boolean }
  | { kind: 'parked' }

/** Turns and verify rounds, until verify passes, the rounds are used up or someone interrupts. */
const work = async (
  context: PhaseContext,
  order: AgentWorkOrder,
  conversation: Conversation,
): Promise<AgentWork> => {
  const { control, events } = context
  let prompt = conversation.firstPrompt
  let verify: VerifyResult[] = []
  let summary = ''
  const end = (interrupted: boolean): AgentWork => ({ kind: 'done', summary, verify, interrupted })
  for (let round = 1; ; ) {
    events.emit('job.stage', { stage: 'working' })
    const turn = await conversation.turn(prompt)
    if (turn.kind === 'parked') return turn
    await conversation.keep()
    if (turn.kind === 'failed') throw turn.failure
    summary = turn.text || summary
    if (turn.kind === 'interrupted' || control.interrupted) return end(true)
    if (conversation.isPlanning && !control.hasReplies) {
      const reply = await conversation.nextReply(summary)
      if (reply === 'parked') return { kind: 'parked' }
      if (!reply) return end(true)
      prompt = reply.text
      continue
    }
    const results = await verifyTurn(context, order, round)
    if (!results) return end(true)
    verify = results
    const replies = control.takeReplies().map(({ text }) => text)
    const feedback = failed(verify).length > 0 && round <= order.verifyRounds
    if (!feedback && replies.length === 0) return end(false)
    if (feedback) round += 1
    prompt = [...(feedback ? [verifyFeedback(verify)] : []), ...replies].join('\n\n')
  }
}

/** Undefined: somebody interrupted it. */
const verifyTurn = async (
  context: PhaseContext,
  order: AgentWorkOrder,
  round: number,
): Promise<VerifyResult[] | undefined> => {
  const { control, events, signal } = context
  if (order.verify.length === 0) return []
  events.emit('job.stage', { stage: 'verifying' })
  const shell: ShellContext = { ...context.shell, signal: interruptible(context) }
  return await runVerify(shell, order.verify, { round, clean: false }).catch(error => {
    if (control.interrupted && !signal.aborted) return undefined
    throw error
  })
}

/** Commits and pushes what there is; `undefined` when nothing was changed. */
const deliver = async (
  context: PhaseContext,
  order: AgentWorkOrder,
  summary: string,
): Promise<string | undefined> => {
  const { events, git } = context
  const { baseCommit, branch } = order.git
  const message = commitMessage({ task: order.task, summary, jobId: order.jobId })
  const committed = await commitAll(git, message)
  const { head, parents } = await readHead(git)
  if (head === baseCommit) return undefined
  // One commit on the base is the usual case and needs no walk.
  if (!parents.includes(baseCommit) && !(await isAncestor(git, baseCommit, head)))
    throw new RunError(
      'agent_error',
      `The work does not build on the base commit ${baseCommit}: Claude moved to another history, which FlowForge does not push.`,
    )
  if (committed) events.emit('git.committed', { commit: head, message })
  events.emit('job.stage', { stage: 'pushing' })
  await push(git, head, branch)
  return head
}

const clone = async (context: PhaseContext, order: AgentWorkOrder): Promise<void> => {
  const { events } = context
  events.emit('job.stage', { stage: 'cloning' })
  const startedAt = performance.now()
  await checkOut(context.git, order.git)
  const durationMs = Math.round(performance.now() - startedAt)
  events.emit('git.cloned', { commit: order.git.checkoutCommit, durationMs })
  const { restore } = order.git
  if (restore) events.emit('git.work.restored', { commit: restore.commit, fromAttempt: restore.fromAttempt })
  for (const settings of findRepositorySettings(context.git.repository))
    events.emit('settings.neutralised', settings)
}

const setUp = async (context: PhaseContext, order: AgentWorkOrder): Promise<void> => {
  if (order.setup.length === 0) return
  context.events.emit('job.stage', { stage: 'setting_up' })
  await runSetup({ ...context.shell, signal: interruptible(context) }, order.setup)
}

export const runAgentPhase = async (context: PhaseContext, order: AgentWorkOrder): Promise<SettleReport> => {
  const { control, signal, state } = context
  await clone(context, order)
  const opening = openConversation(context, order)
  // Its failure is told by the first turn; it must not end the process while set-up still runs.
  opening.catch(() => {})
  try {
    await setUp(context, order).catch(error => {
      if (!control.interrupted || signal.aborted) throw error
    })
    if (control.interrupted)
      return { outcome: 'completed', summary: 'Interrupted before Claude began.', verify: [] }
    const conversation = await opening
    signal.throwIfAborted()
    state.update({ agentStarted: true })
    const done = await work(context, order, conversation)
    conversation.close()
    const { sessionId } = conversation
    const common = {
      throughMessage: control.throughMessage,
      ...(sessionId === undefined ? {} : { sessionId }),
    }
    if (done.kind === 'parked') return { outcome: 'parked', verify: [], ...common }
    return { ...common, ...(await finish(context, order, done)) }
  } finally {
    void opening.then(conversation => conversation.close()).catch(() => {})
  }
}

/** Delivers what was made, and says how it went. */
const finish = async (
  context: PhaseContext,
  order: AgentWorkOrder,
  { summary, verify, interrupted }: Extract<AgentWork, { kind: 'done' }>,
): Promise<SettleReport> => {
  const headCommit = await deliver(context, order, summary)
  const common = { verify, ...(headCommit === undefined ? {} : { headCommit }) }
  if (!interrupted && failed(verify).length > 0)
    return { outcome: 'failed', code: 'verify_failed', message: verifyFailure(verify), ...common }
  const shown = cutEnd(summary || (interrupted ? 'Interrupted.' : 'Done.'), MAX_SUMMARY_CHARS - 100)
  return { outcome: 'completed', summary: shown, ...common }
}

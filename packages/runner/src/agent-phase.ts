// The phase `agent` from empty directory to pushed branch: clone, setup, Claude, verify with feedback, commit, push.
// The order of these acts is here; how each is done is not.
import type { AgentWorkOrder, SettleReport, VerifyResult } from '@flowforge/protocol'
import { createClaudeEvents } from './claude-events.ts'
import { type ClaudeSession, startClaude } from './claude-session.ts'
import type { TurnEnd } from './claude-turn.ts'
import { commitMessage } from './commit-message.ts'
import { claudeEnvironment } from './environment.ts'
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

const systemPrompt = (order: AgentWorkOrder): string =>
  [
    'You work on a FlowForge job, in a container that exists for this job alone. The current directory is the',
    `repository, on the branch ${order.git.branch}. Nobody is there to answer questions: decide yourself, and carry the`,
    'task through to its end. Do not push and do not change branches: FlowForge commits what you leave uncommitted and',
    'pushes it when you are done.',
    order.egress
      ? 'The network can be reached only through the proxy that is set in the environment, which lets through the domains that the owner allowed; if it refuses a domain that you need, say so in your answer.'
      : 'There is no network.',
    ...(order.verify.length > 0
      ? [
          `Afterwards FlowForge checks the work with: ${order.verify.map(command => `\`${command}\``).join(', ')}.`,
        ]
      : []),
    'Your last message is shown as the summary of the job: say in it what you changed and why.',
  ].join('\n')

/**
 * Claude Code needs a third of a second to start: set-up runs beside it. The clone does not: a Claude that starts in an
 * empty directory mostly reads CLAUDE.md at the first prompt, but on a busy machine it sometimes has looked before.
 */
const openClaude = (context: PhaseContext, order: AgentWorkOrder): Promise<ClaudeSession> => {
  const { events, state } = context
  const take = createClaudeEvents({ events, nowMs: () => performance.now() })
  return startClaude({
    loadSdk: context.loadSdk,
    executable: context.claudeExecutable,
    cwd: context.git.repository,
    env: claudeEnvironment(context.environment),
    trustedConfigDirectory: context.trustedConfigDirectory,
    systemPromptAppend: systemPrompt(order),
    model: order.model,
    maxTurns: order.maxTurns,
    onMessage: message => {
      take(message)
      return events.ready()
    },
    onSessionId: sessionId => state.tryUpdate({ sessionId }),
    onWaiting: detail =>
      detail === undefined
        ? events.emit('job.stage', { stage: 'working' })
        : events.emit('job.stage', { stage: 'waiting_for_claude', detail }),
  })
}

/** One prompt and everything that replies add to it while it runs. */
const takeTurn = async (context: PhaseContext, session: ClaudeSession, prompt: string): Promise<TurnEnd> => {
  const { control, signal } = context
  const interrupt = () => void session.interrupt()
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  stopped.catch(() => {})
  control.interruptSignal.addEventListener('abort', interrupt)
  control.onReply = text => session.send(text)
  try {
    session.send(prompt)
    return await Promise.race([session.turnEnd(), stopped])
  } finally {
    control.onReply = undefined
    control.interruptSignal.removeEventListener('abort', interrupt)
  }
}

/** For what an interrupt ends, although the attempt goes on. */
const interruptible = ({ signal, control }: PhaseContext): AbortSignal =>
  AbortSignal.any([signal, control.interruptSignal])

interface AgentWork {
  summary: string
  verify: VerifyResult[]
  interrupted: boolean
}

/** Turns and verify rounds, until verify passes, the rounds are used up or someone interrupts. */
const work = async (
  context: PhaseContext,
  order: AgentWorkOrder,
  session: ClaudeSession,
): Promise<AgentWork> => {
  const { control, events, signal } = context
  const verifyContext: ShellContext = { ...context.shell, signal: interruptible(context) }
  let prompt = order.task
  let verify: VerifyResult[] = []
  let summary = ''
  for (let round = 1; ; ) {
    events.emit('job.stage', { stage: 'working' })
    const end = await takeTurn(context, session, prompt)
    if (end.kind === 'failed') throw end.failure
    summary = end.text || summary
    if (end.kind === 'interrupted' || control.interrupted) return { summary, verify, interrupted: true }
    if (order.verify.length > 0) {
      events.emit('job.stage', { stage: 'verifying' })
      const results = await runVerify(verifyContext, order.verify, { round, clean: false }).catch(error => {
        if (control.interrupted && !signal.aborted) return undefined
        throw error
      })
      if (!results) return { summary, verify, interrupted: true }
      verify = results
    }
    const replies = control.takeReplies()
    const feedback = failed(verify).length > 0 && round <= order.verifyRounds
    if (!feedback && replies.length === 0) return { summary, verify, interrupted: false }
    if (feedback) round += 1
    prompt = [...(feedback ? [verifyFeedback(verify)] : []), ...replies].join('\n\n')
  }
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
  const opening = openClaude(context, order)
  // Its failure is told by the first turn; it must not end the process while set-up still runs.
  opening.catch(() => {})
  try {
    await setUp(context, order).catch(error => {
      if (!control.interrupted || signal.aborted) throw error
    })
    if (control.interrupted)
      return { outcome: 'completed', summary: 'Interrupted before Claude began.', verify: [] }
    const session = await opening
    signal.throwIfAborted()
    state.update({ agentStarted: true })
    const { summary, verify, interrupted } = await work(context, order, session)
    session.close()
    const headCommit = await deliver(context, order, summary)
    const { sessionId } = session
    const common = {
      verify,
      ...(headCommit === undefined ? {} : { headCommit }),
      ...(sessionId === undefined ? {} : { sessionId }),
    }
    if (!interrupted && failed(verify).length > 0)
      return { outcome: 'failed', code: 'verify_failed', message: verifyFailure(verify), ...common }
    const shown = cutEnd(summary || (interrupted ? 'Interrupted.' : 'Done.'), MAX_SUMMARY_CHARS - 100)
    return { outcome: 'completed', summary: shown, ...common }
  } finally {
    void opening.then(session => session.close()).catch(() => {})
  }
}

// One attempt, from the work order to the settled report: connects, decides the phase, and ends in an exit code.
import { rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { RUNNER_PROTOCOL_VERSION, type SettleReport, type WorkOrder } from '@flowforge/protocol'
import { runAgentPhase } from './agent-phase.ts'
import type { AgentSdk } from './claude-session.ts'
import { startControl } from './control.ts'
import type { GatewayAddress } from './dial.ts'
import { commandEnvironment, gitEnvironment, gitUrl } from './environment.ts'
import { openJournal } from './event-journal.ts'
import { createEventSender } from './event-sender.ts'
import { EXIT_CODES, RunError, type Stop, stopOf, toRunError } from './failure.ts'
import { createGateway, isLeaseLost, persist } from './gateway.ts'
import type { PhaseContext } from './phase.ts'
import { signalAllGroups } from './process.ts'
import { startRelay } from './relay.ts'
import { runRescuePhase } from './rescue-phase.ts'
import { openState, type StateStore } from './runner-state.ts'
import { createSessionKeeper } from './session-keeper.ts'
import { runVerifyPhase } from './verify-phase.ts'

export interface RunnerOptions {
  address: GatewayAddress
  token: string
  relayPort: number
  /** The clone; and the runner's own files. */
  repository: string
  stateDirectory: string
  /** An empty directory that nobody in the container can write. */
  trustedConfigDirectory: string
  claudeExecutable: string
  loadSdk(): Promise<AgentSdk>
  /** What the image sets for every process. */
  inheritedEnvironment: Record<string, string>
  runnerVersion: string
  /** Aborts with a Stop when the process is told to end. */
  /** A gateway restarts in seconds; a worker that moves takes longer. After this the container is of no use, and ends. */
  patienceMs: number
  signal: AbortSignal
  log(message: string): void
}

const FLUSH_MS = 30_000
const STOPPED_FLUSH_MS = 1000
const SEGMENT_BYTES = 4 * 1024 * 1024

const CRASHED =
  'The runner ended while Claude was working and was started again: the work can not be continued safely.'

/** A clone that a predecessor left half is made again; work of an agent is never touched here. */
const discardClone = (repository: string): void => rmSync(repository, { recursive: true, force: true })

const failedReport = (error: unknown, state: StateStore): SettleReport => {
  const { code, message } = toRunError(error)
  const { sessionId } = state.read()
  return {
    outcome: 'failed',
    code,
    message: message.slice(0, 19_000).toWellFormed(),
    verify: [],
    ...(sessionId === undefined ? {} : { sessionId }),
  }
}

const runPhase = async (context: PhaseContext, order: WorkOrder): Promise<SettleReport> => {
  const { agentStarted, report } = context.state.read()
  if (report) return report
  if (agentStarted) return failedReport(new RunError('agent_crashed', CRASHED), context.state)
  if (order.phase === 'rescue') return runRescuePhase(context, order)
  discardClone(context.git.repository)
  return order.phase === 'agent' ? await runAgentPhase(context, order) : await runVerifyPhase(context, order)
}

export const runAttempt = async (options: RunnerOptions): Promise<number> => {
  const stop = new AbortController()
  const stopWith = (reason: Stop) => stop.abort(reason)
  options.signal.addEventListener('abort', () => stop.abort(options.signal.reason))
  if (options.signal.aborted) stop.abort(options.signal.reason)
  const { signal } = stop
  const onLeaseLost = (message: string) => stopWith({ kind: 'lease_lost', message })

  const { address, token, patienceMs } = options
  const state = openState(options.stateDirectory)
  const gateway = createGateway({ address, token, patienceMs })
  const request = {
    protocolVersion: RUNNER_PROTOCOL_VERSION,
    runnerVersion: options.runnerVersion,
    nonce: state.read().nonce,
  }
  const ordering = persist(() => gateway.workOrder(request, signal), { patienceMs, signal })
  ordering.catch(() => {})
  const relay = await startRelay({ address, port: options.relayPort, patienceMs })

  const openEvents = () =>
    openJournal(join(options.stateDirectory, 'events', state.read().source), { segmentBytes: SEGMENT_BYTES })
  const events = createEventSender({
    gateway,
    journal: openEvents(),
    source: state.read().source,
    renew: () => {
      state.tryUpdate({ source: `${state.read().source.slice(0, 40)}-${Date.now().toString(36)}` })
      return { source: state.read().source, journal: openEvents() }
    },
    onLeaseLost,
    signal,
  })

  try {
    const order = await ordering
    const control = startControl({
      gateway,
      signal,
      onCancel: () => stopWith({ kind: 'cancelled' }),
      onLeaseLost,
      onAbandoned: () => stopWith({ kind: 'abandoned' }),
      patienceMs,
      ...(order.phase === 'agent' ? { throughMessage: order.throughMessage ?? 0 } : {}),
    })
    const environment = { inherited: options.inheritedEnvironment, relayPort: relay.port, token, order }
    const { repository } = options
    const keeper = createSessionKeeper({
      place: { home: options.inheritedEnvironment.HOME ?? homedir(), cwd: repository },
      gateway,
      control,
      signal,
      log: text => events.emit('log', { stream: 'system', text }),
    })
    const context: PhaseContext = {
      signal,
      keeper,
      events,
      control,
      state,
      environment,
      git: { repository, url: gitUrl(relay.port), env: gitEnvironment(environment), signal },
      shell: {
        cwd: repository,
        env: commandEnvironment(environment),
        timeoutMs: order.commandTimeoutSeconds * 1000,
        signal,
        events,
      },
      loadSdk: options.loadSdk,
      claudeExecutable: options.claudeExecutable,
      trustedConfigDirectory: options.trustedConfigDirectory,
    }
    const report = await runPhase(context, order).catch(error => {
      if (signal.aborted) throw error
      return failedReport(error, state)
    })
    signal.throwIfAborted()
    // A full disk must not keep the last word back: without the note a restart would only say it in other words.
    state.tryUpdate({ report })
    if (!(await events.flush(FLUSH_MS))) options.log('Some events could not be delivered')
    await persist(() => gateway.settle(report, signal), { patienceMs, signal })
    return EXIT_CODES.settled
  } catch (error) {
    const stopped = stopOf(signal)
    if (stopped) {
      if (stopped.kind === 'terminated') await events.flush(STOPPED_FLUSH_MS)
      return EXIT_CODES[stopped.kind]
    }
    options.log(error instanceof Error ? error.message : String(error))
    return isLeaseLost(error) ? EXIT_CODES.lease_lost : EXIT_CODES.notSettled
  } finally {
    signalAllGroups('SIGKILL')
    await events.stop()
    stop.abort({ kind: 'terminated' } satisfies Stop)
    await relay.close()
  }
}

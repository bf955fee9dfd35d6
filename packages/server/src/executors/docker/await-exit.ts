// Waits for a container's end over restarts of the daemon, and says how it ended.
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { isFlowForgeError } from '../../errors.ts'
import type { ContainerStatus } from '../port.ts'
import type { Daemon } from './daemon.ts'
import { inspectContainer } from './inspect-container.ts'

/** As `docker run` reports a container that never ran. */
const NEVER_STARTED_EXIT_CODE = 125
const KILLED_EXIT_CODE = 137
/** Shorter than the shortest lease. A daemon that starts again ends old containers without telling those who wait already. */
const LOOK_AGAIN_MS = 5_000
const OOM_REPORT_DELAY_MS = 250

export const containerStatus = async (daemon: Daemon, id: string): Promise<ContainerStatus> => {
  const found = await inspectContainer(daemon, id)
  const status = statusOf(found)
  if (status.state !== 'exited' || status.exitCode !== KILLED_EXIT_CODE || status.oomKilled) return status
  return (await lateOomReport(daemon, id, found?.State.FinishedAt)) ?? status
}

const statusOf = (found: Docker.ContainerInspectInfo | undefined): ContainerStatus => {
  if (!found) return { state: 'gone' }
  const { Status, ExitCode, OOMKilled } = found.State
  switch (Status as string) {
    case 'removing':
    case 'dead':
      return { state: 'gone' }
    case 'created':
      return { state: 'exited', exitCode: NEVER_STARTED_EXIT_CODE, oomKilled: false }
    case 'exited':
      return { state: 'exited', exitCode: ExitCode, oomKilled: OOMKilled }
    default:
      return { state: 'running' }
  }
}

/** The kernel's word on memory reaches the daemon apart from the exit, and sometimes after it. */
const lateOomReport = async (
  daemon: Daemon,
  id: string,
  finishedAt = '',
): Promise<ContainerStatus | undefined> => {
  const until = Date.parse(finishedAt) + OOM_REPORT_DELAY_MS
  while (Date.now() < until) {
    await delay(25)
    const status = statusOf(await inspectContainer(daemon, id))
    if (status.state !== 'exited' || status.oomKilled) return status
  }
  return undefined
}

export const awaitExit = async (
  daemon: Daemon,
  id: string,
  signal: AbortSignal,
): Promise<ContainerStatus> => {
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 2000)) {
    signal.throwIfAborted()
    await nextWord(daemon, id, AbortSignal.any([signal, AbortSignal.timeout(LOOK_AGAIN_MS)]))
    signal.throwIfAborted()
    const status = await containerStatus(daemon, id).catch(ignoreAbsence)
    if (status && status.state !== 'running') return status
    await delay(pauseMs, undefined, { signal })
  }
}

/**
 * Resolves at once when the container does not run, when it ends, when it or the daemon is gone, and when the signal says
 * so: the client itself hears no signal any more once an answer has begun, and this one begins at once.
 */
const nextWord = async (daemon: Daemon, id: string, abortSignal: AbortSignal): Promise<void> => {
  const aborted = Promise.withResolvers<void>()
  abortSignal.addEventListener('abort', () => aborted.resolve(), { once: true })
  if (abortSignal.aborted) return
  const waiting = daemon.docker.getContainer(id).wait({ abortSignal })
  await Promise.race([waiting.catch(() => {}), aborted.promise])
}

const ignoreAbsence = (error: unknown): undefined => {
  if (!isFlowForgeError(error, 'docker_unavailable')) throw error
}

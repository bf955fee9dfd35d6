// Ends a container and removes it with its volume. Each step may find that it was done already.
import { setTimeout as delay } from 'node:timers/promises'
import type { Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'

const KILL_LIMIT_MS = 10_000

/** TERM, then up to `graceMs` for the container to end by itself. What is left is killed by its removal. */
export const terminateContainer = async (daemon: Daemon, id: string, graceMs: number): Promise<void> => {
  const container = daemon.docker.getContainer(id)
  try {
    await daemon.ask(abortSignal => container.kill({ signal: 'SIGTERM', abortSignal }))
  } catch (error) {
    // 404: gone; 409 or 304: does not run.
    if (isStatus(error, 404, 409, 304)) return
    throw error
  }
  await container.wait({ abortSignal: AbortSignal.timeout(graceMs) }).catch(() => {})
}

/** Ends every process of the container, and waits until it has ended. */
export const killContainer = async (daemon: Daemon, id: string): Promise<void> => {
  const container = daemon.docker.getContainer(id)
  try {
    await daemon.ask(abortSignal => container.kill({ signal: 'SIGKILL', abortSignal }))
    await container.wait({ abortSignal: AbortSignal.timeout(KILL_LIMIT_MS) })
  } catch (error) {
    if (!isStatus(error, 404, 409, 304)) throw error
  }
}

/** The kernel ends every process of the container with it. */
export const removeContainer = async (daemon: Daemon, idOrName: string): Promise<void> => {
  const container = daemon.docker.getContainer(idOrName)
  for (let tries = 1; ; tries++) {
    try {
      await daemon.ask(abortSignal => container.remove({ force: true, v: true, abortSignal }))
      return
    } catch (error) {
      if (isStatus(error, 404)) return
      // 409: another removal is under way; 500: a mount is still busy. Both pass.
      if (!isStatus(error, 409, 500) || tries >= 50) throw error
      await delay(100)
    }
  }
}

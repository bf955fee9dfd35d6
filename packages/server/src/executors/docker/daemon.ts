// The connection to the Docker daemon: every call has a time limit, and a daemon that does not answer is an expected
// failure with a sentence that names its address.
import Docker from 'dockerode'
import { dockerUnavailable, isUnanswered } from './daemon-errors.ts'

export interface Daemon {
  docker: Docker
  /** A path or host:port, for people. */
  address: string
  /** Whether the daemon may see the same files and devices as we do. */
  onSocket: boolean
  /** Runs one call; its signal ends it in time. */
  ask<T>(call: (abortSignal: AbortSignal) => Promise<T>): Promise<T>
}

/** A hung daemon must not hang a worker; under load a start takes seconds. */
const CALL_TIMEOUT_MS = 60_000

/** Without a client of the caller's: `DOCKER_HOST` and its companions count, else the usual socket. */
export const createDaemon = (docker: Docker = new Docker(), timeoutMs = CALL_TIMEOUT_MS): Daemon => {
  const { socketPath, host, port } = docker.modem as { socketPath?: unknown; host?: string; port?: number }
  const address = host && !socketPath ? `${host}:${port}` : pathOf(socketPath)
  return {
    docker,
    address,
    onSocket: Boolean(socketPath),
    ask: async call => {
      try {
        const signal = AbortSignal.timeout(timeoutMs)
        // Not every call of dockerode's takes a signal.
        return await Promise.race([call(signal), rejection(signal)])
      } catch (error) {
        throw isUnanswered(error) ? dockerUnavailable(error, address) : error
      }
    },
  }
}

/** dockerode looks the default path up only when it connects. */
const pathOf = (socketPath: unknown): string =>
  typeof socketPath === 'string' ? socketPath : '/var/run/docker.sock'

const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))

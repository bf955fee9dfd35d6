// What the Docker daemon says when it fails, as failures of ours: with a code, and a sentence that says what to do.
import { FlowForgeError, isFlowForgeError } from '../../errors.ts'

interface DaemonError {
  /** Absent when no answer came. */
  status: number | undefined
  message: string
}

const read = (error: unknown): DaemonError => {
  const { statusCode, json, message } = (error ?? {}) as {
    statusCode?: number
    json?: { message?: string }
    message?: string
  }
  return { status: statusCode, message: json?.message ?? message ?? String(error) }
}

export const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  statuses.includes(read(error).status ?? 0)

/** The daemon is away, stuck or out of reach; a later try may work. */
export const isUnanswered = (error: unknown): boolean => {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown }
  const timedOut = name === 'TimeoutError' || name === 'AbortError'
  const noConnection = typeof code === 'string' && /^E[A-Z]+$|^UND_/.test(code)
  return timedOut || noConnection || isStatus(error, 502, 503, 504)
}

export const dockerUnavailable = (cause: unknown, address: string): FlowForgeError => {
  const { code } = cause as { code?: string }
  const denied = code === 'EACCES' || code === 'EPERM'
  const advice = denied
    ? 'this user may not use it: add the user to the group "docker" or run FlowForge as root'
    : 'start it, or run script/setup'
  return new FlowForgeError('docker_unavailable', `Docker does not answer at ${address}: ${advice}.`, {
    cause,
  })
}

/** Why a container could not be made or started. */
export const startFailure = (cause: unknown, context: { image: string; address: string }): FlowForgeError => {
  if (isFlowForgeError(cause)) return cause
  if (isUnanswered(cause)) return dockerUnavailable(cause, context.address)
  const { status, message } = read(cause)
  const fail = (code: 'image_unavailable' | 'disk_full' | 'no_capacity' | 'config_invalid', text: string) =>
    new FlowForgeError(code, text, { cause })
  if (/no space left|disk quota exceeded/i.test(message)) {
    return fail(
      'disk_full',
      `Docker has no space left: free some, for example with docker system prune. (${message})`,
    )
  }
  if (/runtime/i.test(message) && /unknown|invalid|not found/i.test(message) && status === 400) {
    return fail('config_invalid', `Docker does not have the container runtime that is asked for: ${message}`)
  }
  // Comes with status 404.
  if (/address pool|fully subnetted/i.test(message)) {
    return fail(
      'no_capacity',
      `Docker has no addresses left for another container's network: remove networks that nobody uses (docker network prune), or give it more with default-address-pools in its daemon.json. (${message})`,
    )
  }
  if (status === 404 || /invalid reference format/.test(message)) {
    return fail('image_unavailable', `The image ${context.image} is not in this Docker: run script/setup.`)
  }
  if (
    /cannot allocate memory|resource temporarily unavailable|too many open files|no more loop/i.test(message)
  ) {
    return fail('no_capacity', `This machine has no room for another container: ${message}`)
  }
  return new FlowForgeError('docker_unavailable', `Docker could not start the container: ${message}`, {
    cause,
  })
}

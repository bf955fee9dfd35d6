// Opens connections to the gateway, wherever it listens. While it is away (restart, socket file gone) a caller waits here.
// Knows nothing of what is spoken on the connection.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'

export type GatewayAddress = { socketPath: string } | { host: string; port: number; tls: boolean }

export const addressOf = (url: string): GatewayAddress => {
  const { protocol, hostname, port } = new URL(url)
  const tls = protocol === 'https:'
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (tls ? 443 : 80)), tls }
}

/** Errors of a gateway that is restarting; anything else is a mistake that waiting doesn't mend. */
const AWAY = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
])

export const isAway = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && AWAY.has(error.code)

const open = (address: GatewayAddress): Socket => {
  if ('socketPath' in address) return connect({ path: address.socketPath })
  const { host, port, tls } = address
  return tls ? connectTls({ host, port, servername: host }) : connect({ host, port })
}

const dialOnce = (address: GatewayAddress, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = open(address)
    const ready = 'tls' in address && address.tls ? 'secureConnect' : 'connect'
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', abort)
      socket.removeAllListeners(ready)
      socket.removeAllListeners('error')
      act()
    }
    const abort = () => {
      settle(() => reject(signal.reason))
      socket.on('error', () => {})
      socket.destroy()
    }
    signal.addEventListener('abort', abort)
    socket.once(ready, () => settle(() => resolve(socket)))
    socket.once('error', error => settle(() => reject(error)))
  })

const FIRST_DELAY_MS = 25
const MAX_DELAY_MS = 1000

/** Connects, retrying with back-off while the gateway is away, for at most `patienceMs`. */
export const dial = async (
  address: GatewayAddress,
  { patienceMs, signal }: { patienceMs: number; signal: AbortSignal },
): Promise<Socket> => {
  const deadline = performance.now() + patienceMs
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    signal.throwIfAborted()
    try {
      return await dialOnce(address, signal)
    } catch (error) {
      if (!isAway(error) || performance.now() + delayMs > deadline) throw error
      await sleep(delayMs, undefined, { signal })
    }
  }
}

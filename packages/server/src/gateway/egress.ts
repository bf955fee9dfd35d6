// The only way out of a container, for the hosts its repository's owner allows: CONNECT for TLS, absolute form for
// plain HTTP. In doubt it refuses, says so in words that an agent understands, and reports it. What an allowed host
// makes possible (publishing to a registry, another site behind the same server) can't be seen through TLS.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { GatewayAttempt } from './attempt.ts'
import type { EgressHandler, GatewayLog } from './attempt-server.ts'
import { type Dial, dialTcp, openConnection, type Resolve, resolveBySystem } from './egress-connection.ts'
import {
  type Destination,
  type EgressReason,
  type EgressWay,
  judgeDestination,
  readTrustedHost,
} from './egress-destination.ts'
import { forwardPlain } from './egress-forward.ts'
import { peekClientHello, pump } from './egress-tunnel.ts'
import { type Refusal, refuse, refuseTunnel } from './refusal.ts'
import { reportOnce } from './repeats.ts'

export interface EgressLimits {
  /** Open at a time, per attempt. */
  maxConnections: number
  /** In both directions, over the attempt's life. */
  maxBytes: number
  idleTimeoutMs: number
  /** Resolving, each dial, and the client's TLS hello. */
  connectTimeoutMs: number
}

const DEFAULT_LIMITS: EgressLimits = {
  maxConnections: 64,
  maxBytes: 20 * 1024 ** 3,
  idleTimeoutMs: 5 * 60_000,
  connectTimeoutMs: 10_000,
}

export interface EgressProxyOptions {
  /** `host[:port]` that may be reached although private, when the attempt's allowlist names them, too. */
  trustedHosts: string[]
  log: GatewayLog
  /** Told once per attempt, host, port and reason. */
  onBlocked?: (attempt: GatewayAttempt, blocked: { host: string; port: number; reason: EgressReason }) => void
  resolve?: Resolve
  dial?: Dial
  limits?: Partial<EgressLimits>
}

type Answer = (refusal: Refusal, headers: Record<string, string>) => void

/** A connection that is open and counted. */
interface Way {
  destination: Destination
  socket: Socket
  /** False = the attempt has moved all that it may. */
  count: (bytes: number) => boolean
}

export function createEgressProxy(options: EgressProxyOptions): EgressHandler {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const { resolve = resolveBySystem, dial = dialTcp } = options
  const trustedHosts = options.trustedHosts.map(readTrustedHost)
  const report = reportOnce(options.onBlocked)
  const loads = createLoads(limits)

  const block = (attempt: GatewayAttempt, { host, port }: Target, reason: EgressReason, answer: Answer) => {
    const name = printable(host)
    answer(policyRefusal(name, port, reason, attempt), { 'x-flowforge-refusal': reason })
    report(attempt, { host: name, port, reason })
  }

  /** Undefined = refused, and answered. */
  async function open(
    attempt: GatewayAttempt,
    authority: string,
    kind: EgressWay,
    answer: Answer,
  ): Promise<Way | undefined> {
    const verdict = judgeDestination(authority, kind, attempt, trustedHosts)
    if (!verdict.ok) return void block(attempt, verdict, verdict.reason, answer)
    const load = loads.enter(attempt)
    if (!load) return void block(attempt, verdict, 'limit_reached', answer)
    const opened = await openConnection(verdict, { resolve, dial, timeoutMs: limits.connectTimeoutMs })
    if (opened.ok) {
      opened.socket.once('close', load.release)
      return { destination: verdict, socket: opened.socket, count: load.count }
    }
    load.release()
    if (opened.why === 'private_address') block(attempt, verdict, 'private_address', answer)
    else answer(unreachable(verdict, opened.why), {})
  }

  /** A failing check is no permission. */
  const openSafely = (attempt: GatewayAttempt, authority: string, kind: EgressWay, answer: Answer) =>
    open(attempt, authority, kind, answer).catch((error: unknown) => {
      options.log.error({ err: error, attemptId: attempt.attemptId }, 'egress policy failed')
      return void block(attempt, { host: authority, port: 0 }, 'policy_error', answer)
    })

  return {
    async connect(req, socket, head, attempt) {
      const answer: Answer = (refusal, headers) => refuseTunnel(socket, refusal, headers)
      const way = await openSafely(attempt, req.url ?? '', 'tls', answer)
      if (!way) return
      await tunnel(way, socket, head, limits, reason =>
        block(attempt, way.destination, reason, () => endWithAlert(socket)),
      )
    },
    async forward(req, res, attempt) {
      const answer: Answer = (refusal, headers) => refuseForward(res, refusal, headers)
      const target = splitAbsoluteForm(req.url ?? '')
      if (!target) return block(attempt, { host: req.url ?? '', port: 0 }, 'malformed', answer)
      const way = await openSafely(attempt, target.authority, 'plain', answer)
      if (way) await forwardPlain({ req, res, way, path: target.path, idleTimeoutMs: limits.idleTimeoutMs })
    },
  }
}

interface Target {
  host: string
  port: number
}

async function tunnel(
  { destination, socket: remote, count }: Way,
  client: Duplex,
  head: Buffer,
  limits: EgressLimits,
  block: (reason: EgressReason) => void,
): Promise<void> {
  remote.on('error', () => remote.destroy())
  if (client.destroyed) return void remote.destroy()
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
  const hello = await peekClientHello(client, head, limits.connectTimeoutMs)
  if (!hello.ok || !namesHost(hello.serverName, destination)) {
    remote.destroy()
    if (hello.ok) block('sni_mismatch')
    else if (hello.why === 'not_tls') block('not_tls')
    else client.destroy()
    return
  }
  if (!count(hello.bytes.length) || remote.destroyed) {
    client.destroy()
    remote.destroy()
    return
  }
  remote.write(hello.bytes)
  await pump(client, remote, { idleTimeoutMs: limits.idleTimeoutMs, count })
}

/** TLS has no server name for addresses; only the operator's trusted hosts can be one. */
function namesHost(serverName: string | undefined, { host, trusted }: Destination): boolean {
  const isAddress = trusted && /^[\d.]+$|^\[/.test(host)
  return isAddress ? serverName === undefined : serverName?.toLowerCase() === host
}

/** TLS alert, fatal, access_denied: after "200" there is no other way to say it. */
function endWithAlert(client: Duplex): void {
  client.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x31]), () => client.destroy())
}

function refuseForward(res: ServerResponse, refusal: Refusal, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) if (!res.headersSent) res.setHeader(name, value)
  refuse(res, 'egress', refusal)
}

const ABSOLUTE_FORM = /^http:\/\/([^/?#]+)([/?][^#]*)?$/i

function splitAbsoluteForm(target: string): { authority: string; path: string } | undefined {
  const match = ABSOLUTE_FORM.exec(target)
  if (!match) return undefined
  const path = match[2] ?? '/'
  return { authority: match[1]!, path: path.startsWith('/') ? path : `/${path}` }
}

const EXPLANATIONS: Partial<Record<EgressReason, string>> = {
  malformed:
    'This is not a destination that can be reached from here: name a host, with https:// or http://.',
  ip_literal: 'Addresses are not allowed; use the name of an allowed host.',
  port_not_allowed: 'Only port 443 by TLS and port 80 by plain HTTP are open.',
  private_address: 'The name points to a private address.',
  limit_reached: 'This job has too many connections open, or has moved too much data.',
  policy_error: 'The check itself failed.',
}

function policyRefusal(
  host: string,
  port: number,
  reason: EgressReason,
  { repositoryName, repositoryId }: GatewayAttempt,
): Refusal {
  const explanation =
    EXPLANATIONS[reason] ??
    `Ask the repository's owner to allow it: flowforge repo allow ${repositoryName ?? repositoryId} ${host}`
  const place = port === 443 || port === 80 || port === 0 ? host : `${host}:${port}`
  return {
    status: reason === 'malformed' ? 400 : 403,
    code: 'bad_request',
    message: `refused by policy: FlowForge does not allow this job to reach ${place}. ${explanation}`,
  }
}

const unreachable = ({ host, port }: Target, why: 'unresolvable' | 'unreachable'): Refusal => ({
  status: 502,
  code: 'unavailable',
  message:
    why === 'unresolvable'
      ? `FlowForge allows ${host}, but its name can not be resolved.`
      : `FlowForge allows ${host}, but nothing answers there on port ${port}.`,
})

/** What an agent sends ends up in a text and an event: one line, no tricks. */
const printable = (text: string): string => text.slice(0, 253).replace(/[^\x21-\x7e]/g, '?')

/** Keyed by the attempt itself: forgotten with it. */
function createLoads(limits: EgressLimits) {
  const perAttempt = new WeakMap<GatewayAttempt, { connections: number; bytes: number }>()
  return {
    enter(attempt: GatewayAttempt): { count: Way['count']; release: () => void } | undefined {
      const total = perAttempt.get(attempt) ?? { connections: 0, bytes: 0 }
      if (total.connections >= limits.maxConnections || total.bytes >= limits.maxBytes) return undefined
      total.connections++
      perAttempt.set(attempt, total)
      return {
        count: bytes => {
          total.bytes += bytes
          return total.bytes <= limits.maxBytes
        },
        release: () => {
          total.connections--
        },
      }
    },
  }
}

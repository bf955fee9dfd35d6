// Where an attempt may go: hostnames, ports, allowlist. Pure, and strict: what is not understood is refused.

import { isHostname, looksLikeAddress, readEgressPattern } from '../repositories/egress-pattern.ts'
import type { GatewayAttempt } from './attempt.ts'

export type EgressReason =
  | 'malformed'
  | 'ip_literal'
  | 'not_on_allowlist'
  | 'port_not_allowed'
  | 'private_address'
  | 'not_tls'
  | 'sni_mismatch'
  | 'limit_reached'
  | 'policy_error'

/** `tls`: CONNECT, port 443. `plain`: a request in absolute form, port 80. */
export type EgressWay = 'tls' | 'plain'
const PORTS: Record<EgressWay, number> = { tls: 443, plain: 80 }

export interface Destination {
  host: string
  port: number
  /** Named by the operator: may be private, may have another port. */
  trusted: boolean
}

export type DestinationVerdict =
  | ({ ok: true } & Destination)
  | { ok: false; host: string; port: number; reason: EgressReason }

export interface TrustedHost {
  host: string
  port: number | undefined
}

/** `authority` as the client wrote it: `host:port`, or `host` where the way has a default port. */
export function judgeDestination(
  authority: string,
  way: EgressWay,
  attempt: Pick<GatewayAttempt, 'egressAllow'>,
  trustedHosts: TrustedHost[],
): DestinationVerdict {
  const parsed = parseAuthority(authority, way === 'plain' ? PORTS.plain : undefined)
  if (!parsed) return { ok: false, host: authority, port: 0, reason: 'malformed' }
  const { host, port } = parsed
  const refused = (reason: EgressReason): DestinationVerdict => ({ ok: false, host, port, reason })

  const trusted = trustedHosts.some(
    entry => entry.host === host && (entry.port === undefined ? port === PORTS[way] : port === entry.port),
  )
  if (!trusted && !isHostname(host)) return refused(looksLikeAddress(host) ? 'ip_literal' : 'malformed')
  if (!isAllowed(host, port, attempt.egressAllow, trusted)) return refused('not_on_allowlist')
  if (!trusted && port !== PORTS[way]) return refused('port_not_allowed')
  return { ok: true, host, port, trusted }
}

/** `host[:port]` of FLOWFORGE_TRUSTED_HOSTS. */
export function readTrustedHost(text: string): TrustedHost {
  const parsed = parseAuthority(text.trim(), 0)
  if (!parsed) throw new Error(`not a host or host:port: ${text}`)
  return { host: parsed.host, port: parsed.port === 0 ? undefined : parsed.port }
}

function isAllowed(host: string, port: number, allow: string[], trusted: boolean): boolean {
  // Trusted hosts need not look like names, so their entries are compared as they are.
  if (trusted && (allow.includes(host) || allow.includes(`${host}:${port}`))) return true
  return allow
    .map(readEgressPattern)
    .some(pattern => (pattern?.subdomains ? host.endsWith(`.${pattern.host}`) : host === pattern?.host))
}

function parseAuthority(
  text: string,
  defaultPort: number | undefined,
): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]@/\\\s]+)(?::(\d{1,5}))?$/i.exec(text)
  if (!match) return undefined
  const port = match[2] === undefined ? defaultPort : Number(match[2])
  if (port === undefined || port > 65_535) return undefined
  return { host: match[1]!.toLowerCase(), port }
}

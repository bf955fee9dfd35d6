// What an owner may write into an egress allowlist: a domain, or `*.domain` for what lies below it.
import { domainToASCII } from 'node:url'

export interface EgressPattern {
  host: string
  subdomains: boolean
}

/** `example.org`, or `*.example.org` for what lies below it (not itself). Undefined = not a pattern: it allows nothing. */
export function readEgressPattern(text: string): EgressPattern | undefined {
  if (NOT_IN_A_DOMAIN.test(text)) return undefined
  const subdomains = text.startsWith('*.')
  const host = domainToASCII(subdomains ? text.slice(2) : text)
  return isHostname(host) ? { host, subdomains } : undefined
}

/** What ends a host in a URL: domainToASCII would drop it silently, and `example.org/one` would allow all of example.org. */
const NOT_IN_A_DOMAIN = /[\s/?#\\:@]/

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOSTNAME = new RegExp(`^(?:${LABEL}\\.)+${LABEL}$`)

/** At least two labels, no final dot, a last label that is not a number (such a name is an address in disguise). */
export const isHostname = (host: string): boolean =>
  host.length <= 253 && HOSTNAME.test(host) && !looksLikeAddress(host)

/** https://url.spec.whatwg.org/#ends-in-a-number-checker: `127.1`, `2130706433`, `0x7f000001`, `0177.0.0.1.`, `[::1]`. */
export const looksLikeAddress = (host: string): boolean =>
  host.startsWith('[') || /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i.test(host)

// Which network addresses FlowForge may dial for others: public ones, and hosts that the operator trusts by name.
// Resolve once, check every answer, then dial exactly what was checked; else a second DNS answer could differ.
import { lookup as systemLookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { FlowForgeError } from '../errors.ts'

export type Lookup = (host: string) => Promise<string[]>

export interface AddressCheck {
  /** A name or a literal address, IPv6 without brackets. */
  host: string
  port: number
  /** `host` or `host:port`, as in FLOWFORGE_TRUSTED_HOSTS. */
  trustedHosts: readonly string[]
  lookup?: Lookup
}

const LOOKUP_TIMEOUT_MS = 10_000

/** The addresses that may be dialled for `host`, IPv4 first. Throws `address_not_allowed` or `git_unreachable`. */
export async function checkAddress({
  host,
  port,
  trustedHosts,
  lookup = lookupAll,
}: AddressCheck): Promise<string[]> {
  const addresses = ipaddr.isValid(host) ? [host] : await resolve(host, lookup)
  const refused = addresses.find(address => !isPublicAddress(address))
  if (refused !== undefined && !isTrusted(host, port, trustedHosts)) {
    throw new FlowForgeError(
      'address_not_allowed',
      `${host} is at ${refused}, which is not a public address. If FlowForge may reach it, add ${bracketed(host)}:${port} to FLOWFORGE_TRUSTED_HOSTS.`,
      { details: { host, port } },
    )
  }
  return addresses.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')))
}

/** False for loopback, private, link-local, metadata, NAT64, IPv4-mapped and every other special range. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

export function isTrusted(host: string, port: number, trustedHosts: readonly string[]): boolean {
  const name = bracketed(host.toLowerCase())
  return trustedHosts.some(entry => {
    const trusted = entry.trim().toLowerCase()
    return trusted === name || trusted === host.toLowerCase() || trusted === `${name}:${port}`
  })
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

async function resolve(host: string, lookup: Lookup): Promise<string[]> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the name server did not answer')), LOOKUP_TIMEOUT_MS)
  try {
    const addresses = await Promise.race([lookup(host), late])
    if (addresses.length === 0) throw new Error('the name has no address')
    return addresses
  } catch (cause) {
    const message = `The host ${host} can not be found. Check the name, and the DNS of this machine.`
    throw new FlowForgeError('git_unreachable', message, { cause })
  } finally {
    clearTimeout(timer)
  }
}

const lookupAll: Lookup = async host =>
  (await systemLookup(host, { all: true, verbatim: true })).map(answer => answer.address)

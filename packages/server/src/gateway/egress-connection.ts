// Opens the way out: resolves a name once, refuses it when any of its addresses is not public, and dials exactly what
// was checked. Must not know who asks or what is sent.
import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isPublicAddress } from './egress-address.ts'
import type { Destination } from './egress-destination.ts'
import { within } from './within.ts'

export type Resolve = (host: string) => Promise<string[]>
export type Dial = (target: { address: string; port: number; timeoutMs: number }) => Promise<Socket>

export type Opened =
  | { ok: true; socket: Socket }
  | { ok: false; why: 'private_address' | 'unresolvable' | 'unreachable' }

const MAX_ADDRESSES = 4

/** IPv4 first: many machines have IPv6 names without a way to them. */
export const resolveBySystem: Resolve = async host => {
  const addresses = await lookup(host, { all: true, order: 'ipv4first' })
  return addresses.map(({ address }) => address)
}

export async function openConnection(
  { host, port, trusted }: Destination,
  { resolve, dial, timeoutMs }: { resolve: Resolve; dial: Dial; timeoutMs: number },
): Promise<Opened> {
  // Asked once, and dialled by address: a second answer of the name server could be another one.
  const addresses = await within(timeoutMs, resolve(host.replace(/^\[|\]$/g, ''))).catch(() => [])
  if (addresses.length === 0) return { ok: false, why: 'unresolvable' }
  if (!trusted && !addresses.every(isForeign)) return { ok: false, why: 'private_address' }
  for (const address of addresses.slice(0, MAX_ADDRESSES)) {
    try {
      return { ok: true, socket: await dial({ address, port, timeoutMs }) }
    } catch {
      // The next address may answer.
    }
  }
  return { ok: false, why: 'unreachable' }
}

/** What listens on this machine's public address may be meant for its neighbours alone. */
function isForeign(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return isPublicAddress(address) && !own.some(entry => entry.address === address)
}

export const dialTcp: Dial = ({ address, port, timeoutMs }) =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true })
    const timer = setTimeout(() => socket.destroy(new Error('connect timed out')), timeoutMs)
    socket.once('error', reject)
    socket.once('close', () => clearTimeout(timer))
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve(socket)
    })
  })

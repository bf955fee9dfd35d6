// Which addresses are on the public internet. Pure.
import ipaddr from 'ipaddr.js'

/** Public in every registry, but not for us: Azure's metadata and DHCP host; documentation newer than the library. */
const NOT_PUBLIC = ['168.63.129.16/32', '3fff::/20'].map(range => ipaddr.parseCIDR(range))
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')

/**
 * False for everything private, local, reserved or that carries another address inside (IPv4-mapped, NAT64, 6to4,
 * Teredo), and for what can't be read.
 */
export function isPublicAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) only makes sense on a local link.
  if (address.includes('%') || !ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  // The library calls unassigned IPv6 space unicast.
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST)) return false
  return !NOT_PUBLIC.some(range => parsed.kind() === range[0].kind() && parsed.match(range))
}

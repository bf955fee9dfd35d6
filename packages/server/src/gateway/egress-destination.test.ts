import { expect, test } from 'vitest'
import { readEgressPattern } from '../repositories/egress-pattern.ts'
import { isPublicAddress } from './egress-address.ts'
import { judgeDestination, readTrustedHost } from './egress-destination.ts'

const judge = (authority: string, egressAllow = ['allowed.com', '*.wild.org', 'bücher.example']) =>
  judgeDestination(authority, 'tls', { egressAllow }, [])
const reasonFor = (authority: string, egressAllow?: string[]) => {
  const verdict = judge(authority, egressAllow)
  return verdict.ok ? 'allowed' : verdict.reason
}

test.each([
  ['allowed.com:443', 'allowed.com'],
  ['ALLOWED.Com:443', 'allowed.com'],
  ['a.wild.org:443', 'a.wild.org'],
  ['a.b.wild.org:443', 'a.b.wild.org'],
  ['xn--bcher-kva.example:443', 'xn--bcher-kva.example'],
])('%s is allowed', (authority, host) => {
  expect(judge(authority)).toEqual({ ok: true, host, port: 443, trusted: false })
})

test.each([
  ['allowed.com.evil.com:443', 'not_on_allowlist'],
  ['evilallowed.com:443', 'not_on_allowlist'],
  ['sub.allowed.com:443', 'not_on_allowlist'],
  ['wild.org:443', 'not_on_allowlist'],
  ['evilwild.org:443', 'not_on_allowlist'],
  ['xn--evil-kva.example:443', 'not_on_allowlist'],
  ['allowed.com:22', 'port_not_allowed'],
  ['allowed.com:25', 'port_not_allowed'],
  ['allowed.com:80', 'port_not_allowed'],
  ['allowed.com:0', 'port_not_allowed'],
  ['allowed.com:65979', 'malformed'],
  ['allowed.com:443:443', 'malformed'],
  ['allowed.com', 'malformed'],
  ['allowed.com:', 'malformed'],
  ['allowed.com.:443', 'malformed'],
  ['.allowed.com:443', 'malformed'],
  ['allowed..com:443', 'malformed'],
  ['evil\0.allowed.com:443', 'malformed'],
  ['evil%00.allowed.com:443', 'malformed'],
  ['evil.com\r\n.wild.org:443', 'malformed'],
  ['evil.com#.wild.org:443', 'malformed'],
  ['evil.com/.wild.org:443', 'malformed'],
  ['evil.com\\.wild.org:443', 'malformed'],
  ['evil_com.wild.org:443', 'malformed'],
  ['user@allowed.com:443', 'malformed'],
  ['user:pass@allowed.com:443', 'malformed'],
  ['ａllowed.com:443', 'malformed'],
  ['allowed。com:443', 'malformed'],
  ['*.wild.org:443', 'malformed'],
  ['localhost:443', 'malformed'],
  [`${'a'.repeat(64)}.wild.org:443`, 'malformed'],
  [`${'a.'.repeat(130)}wild.org:443`, 'malformed'],
  ['', 'malformed'],
])('%j is refused: %s', (authority, reason) => {
  expect(reasonFor(authority)).toBe(reason)
})

test.each([
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0X7F.1',
  '0177.0.0.1',
  '0x7f.0.0.0x1',
  '169.254.169.254',
  '93.184.216.34',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '127.0.0.1.',
  'allowed.com.127',
])('an address is no name, not even on the allowlist: %s', host => {
  expect(['ip_literal', 'malformed']).toContain(reasonFor(`${host}:443`, [host, `*.${host}`, 'allowed.com']))
})

test('an empty allowlist allows nothing, and an entry that is no pattern allows nothing', () => {
  expect(reasonFor('allowed.com:443', [])).toBe('not_on_allowlist')
  for (const entry of [
    '*',
    '*.com',
    '',
    ' ',
    '.',
    '*.*.allowed.com',
    'https://allowed.com',
    'allowed.com:443',
    '*allowed.com',
  ]) {
    expect(readEgressPattern(entry), entry).toBeUndefined()
    expect(reasonFor('allowed.com:443', [entry]), entry).toBe('not_on_allowlist')
  }
})

test('a trusted host needs the allowlist, too, and opens its own port only', () => {
  const trusted = ['127.0.0.1:8443', 'peer.internal'].map(readTrustedHost)
  const verdict = (authority: string, egressAllow: string[]) =>
    judgeDestination(authority, 'tls', { egressAllow }, trusted).ok
  expect(verdict('127.0.0.1:8443', ['127.0.0.1'])).toBe(true)
  expect(verdict('127.0.0.1:8443', ['127.0.0.1:8443'])).toBe(true)
  expect(verdict('127.0.0.1:8443', [])).toBe(false)
  expect(verdict('127.0.0.1:443', ['127.0.0.1'])).toBe(false)
  expect(verdict('127.1:8443', ['127.0.0.1', '127.1'])).toBe(false)
  expect(verdict('peer.internal:443', ['peer.internal'])).toBe(true)
  expect(verdict('peer.internal:8443', ['peer.internal'])).toBe(false)
})

test.each(['93.184.216.34', '1.1.1.1', '2606:2800:220:1:248:1893:25c8:1946'])('%s is public', address => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '100.100.100.200',
  '169.254.169.254',
  '168.63.129.16',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:93.184.216.34',
  '::ffff:10.0.0.1',
  '::93.184.216.34',
  '64:ff9b::a00:1',
  '64:ff9b:1::a00:1',
  '2002:a00:1::',
  '2001::1',
  '2001:db8::1',
  '3fff::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '4000::1',
  'localhost',
  '',
])('%j is not public', address => {
  expect(isPublicAddress(address)).toBe(false)
})

import { expect, test } from 'vitest'
import { checkAddress, isPublicAddress } from './address.ts'

const lookup = async (host: string) =>
  ({
    'public.example': ['2606:4700::1', '93.184.215.14'],
    'mixed.example': ['93.184.215.14', '10.0.0.5'],
    'none.example': [],
  })[host] ?? ['127.0.0.1']

test.each(['8.8.8.8', '93.184.215.14', '2606:4700:4700::1111'])('%s is public', address =>
  expect(isPublicAddress(address)).toBe(true))

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fe80::1',
  'fc00::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:db8::1',
  'not an address',
])('%s is not', address => expect(isPublicAddress(address)).toBe(false))

test('every address of a public host may be dialled, IPv4 first', async () => {
  const asked = { host: 'public.example', port: 443, trustedHosts: [], lookup }
  expect(await checkAddress(asked)).toEqual(['93.184.215.14', '2606:4700::1'])
})

test.each([
  'internal.example',
  'mixed.example',
  '127.0.0.1',
  '::1',
])('%s is refused, and the sentence says how to trust it', async host => {
  const refused = checkAddress({ host, port: 3000, trustedHosts: ['other.example', `${host}:80`], lookup })
  await expect(refused).rejects.toMatchObject({
    code: 'address_not_allowed',
    message: expect.stringContaining('FLOWFORGE_TRUSTED_HOSTS'),
  })
})

test.each([
  'internal.example',
  'internal.example:3000',
  ' INTERNAL.example ',
])('a private host is dialled when %s is trusted', async entry => {
  const asked = { host: 'internal.example', port: 3000, trustedHosts: [entry], lookup }
  expect(await checkAddress(asked)).toEqual(['127.0.0.1'])
})

test('an IPv6 address is trusted with and without brackets', async () => {
  for (const entry of ['::1', '[::1]', '[::1]:3000']) {
    expect(await checkAddress({ host: '::1', port: 3000, trustedHosts: [entry], lookup })).toEqual(['::1'])
  }
})

test('a name that nobody knows is said to be unknown', async () => {
  const failing = async () => Promise.reject(new Error('ENOTFOUND'))
  for (const asked of [
    { host: 'x.example', lookup: failing },
    { host: 'none.example', lookup },
  ]) {
    await expect(checkAddress({ ...asked, port: 1, trustedHosts: [] })).rejects.toMatchObject({
      code: 'git_unreachable',
    })
  }
})

import { expect, test } from 'vitest'
import { isFlowForgeError } from '../errors.ts'
import { parseRepositoryUrl } from './url.ts'

test.each([
  ['https://github.com/owner/name.git', 'https', 'https://github.com/owner/name.git', 'github.com', 443],
  ['  https://GitHub.com/owner/name/  ', 'https', 'https://github.com/owner/name', 'github.com', 443],
  ['https://host.example:8443/a/b', 'https', 'https://host.example:8443/a/b', 'host.example', 8443],
  ['https://host.example.:443/a', 'https', 'https://host.example/a', 'host.example', 443],
  ['http://10.0.0.1:3000/a.git', 'http', 'http://10.0.0.1:3000/a.git', '10.0.0.1', 3000],
  ['http://[::1]:3000/a.git', 'http', 'http://[::1]:3000/a.git', '::1', 3000],
  ['http://0x7f.1/a.git', 'http', 'http://127.0.0.1/a.git', '127.0.0.1', 80],
  ['ssh://git@host.example/a/b.git', 'ssh', 'ssh://git@host.example/a/b.git', 'host.example', 22],
  ['ssh://host.example:2222/a', 'ssh', 'ssh://git@host.example:2222/a', 'host.example', 2222],
  ['git@github.com:owner/name.git', 'ssh', 'git@github.com:owner/name.git', 'github.com', 22],
  ['me@[fe80::1]:repos/x', 'ssh', 'me@[fe80::1]:repos/x', 'fe80::1', 22],
])('%s is understood', (text, kind, url, host, port) => {
  expect(parseRepositoryUrl(text)).toEqual({ kind, url, host, port })
})

test.each([
  ['https://ada:s3cret@host.example/a', { type: 'token', username: 'ada', token: 's3cret' }],
  ['https://:s3cret@host.example/a', { type: 'token', token: 's3cret' }],
  ['https://a%40b:p%3Aq@host.example/a', { type: 'token', username: 'a@b', token: 'p:q' }],
  ['https://ghp_abcdefghijkl@host.example/a', { type: 'token', token: 'ghp_abcdefghijkl' }],
  ['https://ada@host.example/a', undefined],
])('the credential in %s leaves the URL', (text, credential) => {
  const parsed = parseRepositoryUrl(text)
  expect(parsed.url).toBe('https://host.example/a')
  expect(parsed.embeddedCredential).toEqual(credential)
})

test.each([
  '',
  '-u/bin/true',
  '--upload-pack=touch /tmp/x',
  'ext::sh -c id',
  'ext::sh',
  'fd::17',
  'file:///etc',
  'FILE:///etc',
  '/srv/git/a.git',
  './a',
  '../a',
  '~/a',
  'C:\\a',
  'a',
  'host:path',
  'git://host.example/a',
  'ftp://host.example/a',
  'git+ssh://host.example/a',
  'https://host.example/a\nb',
  'https://host.example/a\0b',
  'https://host.example/a b',
  'https://host.example/\ra',
  'https://host.example',
  'https://host.example//',
  'https:///a',
  'https://host.example/a?x=1',
  'https://host.example/a#x',
  'https://host.example:0/a',
  'https://host.example:99999/a',
  'https://-oProxyCommand=x/a',
  'ssh://-oProxyCommand=id/a',
  'ssh://-oProxyCommand=id@host.example/a',
  'ssh://git:password@host.example/a',
  'ssh://host%20name/a',
  'ssh://$(id)@host.example/a',
  'git@-oProxyCommand=id:a',
  '-oProxyCommand=id@host.example:a',
  'git@host.example:-a',
  'git@host.example:',
  'git@ho`id`st:a',
  'git@host.example;id:a',
  `https://host.example/${'a'.repeat(3000)}`,
])('%j is refused with a sentence', text => {
  const refusal = thrown(() => parseRepositoryUrl(text))
  expect(isFlowForgeError(refusal, 'repository_url_invalid')).toBe(true)
  expect((refusal as Error).message).toMatch(/^[A-Z].*\.$/)
})

test('a refusal does not repeat the password', () => {
  expect(String(thrown(() => parseRepositoryUrl('https://ada:s3cret@host.example')))).not.toContain('s3cret')
  expect(String(thrown(() => parseRepositoryUrl('ftp://ada:s3cret@host.example/a')))).not.toContain('s3cret')
})

function thrown(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

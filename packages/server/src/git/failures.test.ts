import { expect, test } from 'vitest'
import { allMessages, lastMessage, plainLine, remoteFailure, remoteMessages } from './failures.ts'
import { createMessageLog, GitExit } from './run.ts'

const exit = (stderr: string) => new GitExit('fetch', 'exit', { exitCode: 128, stdout: '', stderr })
const code = (stderr: string, hasCredential = true) =>
  remoteFailure(exit(stderr), { host: 'host.example', hasCredential, knownHostsFile: '/data/known_hosts' })

test.each([
  ["fatal: could not read Username for 'https://host.example': terminal prompts disabled", 'git_auth'],
  ["fatal: Authentication failed for 'https://host.example/a/'", 'git_auth'],
  ["fatal: unable to access 'https://host.example/a/': The requested URL returned error: 403", 'git_auth'],
  [
    'git@host.example: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    'git_auth',
  ],
  ["remote: Repository not found.\nfatal: repository 'https://host.example/a/' not found", 'git_auth'],
  [
    "fatal: unable to access 'https://host.example/a/': Could not resolve host: host.example",
    'git_unreachable',
  ],
  [
    "fatal: unable to access 'https://host.example/a/': SSL certificate problem: self-signed certificate",
    'git_unreachable',
  ],
  ['ssh: connect to host 10.0.0.1 port 22: Connection timed out', 'git_unreachable'],
  ['Host key verification failed.', 'git_unreachable'],
  ['', 'git_unreachable'],
])('%j is %s', (stderr, expected) => {
  expect(code(stderr)).toMatchObject({ code: expected, message: expect.stringContaining('host.example') })
})

test('a repository that is not there is an unreachable one when nobody gave a credential', () => {
  expect(code("fatal: repository 'https://host.example/a/' not found", false)).toMatchObject({
    code: 'git_unreachable',
  })
})

test('other errors pass', () => {
  const abort = new Error('aborted')
  expect(remoteFailure(abort, { host: 'h', hasCredential: false, knownHostsFile: '' })).toBe(abort)
})

test('what Git says is shown on one line, without terminal sequences', () => {
  expect(lastMessage('warning: x\nfatal: it \x1b[31mbroke\x1b[0m.\nremote: y')).toBe('it broke')
  expect(allMessages('error: object 1: hasDotgit\nnoise\nfatal: fsck error\n')).toBe(
    'object 1: hasDotgit; fsck error',
  )
  expect(remoteMessages('remote: \nremote: GH006: Protected branch.\nTo x\n')).toBe(
    'GH006: Protected branch.',
  )
  expect(plainLine('a\u202eb\x07c')).toBe('abc')
})

test('progress is handed on and does not push messages out of the log', () => {
  const heard: string[] = []
  const log = createMessageLog(line => heard.push(line))
  log.add('fatal: early\nReceiving: 1')
  log.add('0%\rReceiving: 20%\r')
  for (let index = 0; index < 10_000; index++) log.add(`Receiving objects: ${index}\r`)
  log.add('ssh: refused\r')
  log.add('\nlast words')
  expect(heard.slice(0, 3)).toEqual(['fatal: early', 'Receiving: 10%', 'Receiving: 20%'])
  expect(log.text()).toBe('fatal: early\nssh: refused\r\nlast words')
})

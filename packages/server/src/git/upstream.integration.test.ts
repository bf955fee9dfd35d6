// What goes between FlowForge and an upstream: addresses, tokens, redirects, and hosts that fail.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startGitHost, temporaryDirectory } from './test-host.ts'
import { setUpMirror, stuckHost } from './test-mirror.ts'

vi.setConfig({ testTimeout: 30_000 })

test('a private address is refused before anything is sent, unless it is trusted', async () => {
  await using it = await setUpMirror({ trustedHosts: ['127.0.0.1:1', 'localhost'] })
  await expect(it.mirrors.update(it.repository)).rejects.toMatchObject({ code: 'address_not_allowed' })
  expect(it.host.requests).toEqual([])
})

test('Git dials the address that was checked, whatever the name says later', async () => {
  await using it = await setUpMirror({
    trustedHosts: ['git.example.test'],
    lookup: async () => ['127.0.0.1'],
  })
  await it.mirrors.update({ ...it.repository, url: `http://git.example.test:${it.host.port}/sample.git` })
  expect((await it.mirrors.resolveBranch('repo1', 'main')).commit).toBe(it.work.commit)
})

test('a token is used, and a wrong or missing one is told apart from an absent host', async () => {
  await using it = await setUpMirror({ password: 'right' })
  await expect(it.mirrors.update(it.repository)).rejects.toMatchObject({
    code: 'git_auth',
    message: expect.stringContaining('asks for a credential'),
  })
  const wrong = { ...it.repository, credential: { type: 'token' as const, token: 'wr0ng' } }
  const refusal = await it.mirrors.update(wrong).catch((error: Error) => error)
  expect(refusal).toMatchObject({ code: 'git_auth', message: expect.stringContaining('refused the token') })
  const right = { ...it.repository, credential: { type: 'token' as const, username: 'ada', token: 'right' } }
  await it.mirrors.update(right)
  expect(
    await it.mirrors.publish({ repository: right, branch: 'x', commit: it.work.commit, expected: null }),
  ).toBe('published')
})

test('a token is on no command line and in no file', async () => {
  const token = 'tok3n-tok3n'
  const { asked, intercept, recover } = stuckHost()
  await using it = await setUpMirror({ intercept, password: token })
  const repository = { ...it.repository, credential: { type: 'token' as const, token } }
  const abort = new AbortController()
  const stuck = it.mirrors.update(repository, { signal: abort.signal }).catch(() => {})
  await asked
  const processes = (await readdir('/proc').catch(() => [])).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(
    processes.map(id => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')),
  )
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  expect(lines.filter(line => line.includes(token) || line.includes(basic))).toEqual([])
  abort.abort()
  await stuck
  recover()
  await it.mirrors.update(repository)
  const files = await readdir(it.mirrorDirectory, { recursive: true, withFileTypes: true })
  for (const file of files.filter(entry => entry.isFile())) {
    const content = await readFile(join(file.parentPath, file.name), 'latin1')
    expect(content.includes(token) || content.includes(basic)).toBe(false)
  }
})

test('a token that the host sends back is not shown', async () => {
  const token = 'tok3n-tok3n'
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  await using it = await setUpMirror({
    intercept: (request, response) => {
      response
        .writeHead(500, { 'Content-Type': 'text/plain' })
        .end(`${request.headers.authorization} ${token}\n`)
      return true
    },
  })
  const failure = await it.mirrors
    .update({ ...it.repository, credential: { type: 'token', token } })
    .catch((error: Error) => error)
  expect(failure).toMatchObject({ code: 'git_unreachable' })
  const everything = `${(failure as Error).message} ${String((failure as Error).cause)} ${JSON.stringify((failure as Error).cause)}`
  expect(everything).toContain('[hidden]')
  expect(everything).not.toContain(token)
  expect(everything).not.toContain(basic)
})

test('a token does not cross a public network unencrypted', async () => {
  await using it = await setUpMirror({ trustedHosts: [], lookup: async () => ['93.184.215.14'] })
  const repository = {
    id: 'repo1',
    url: 'http://public.example/a.git',
    credential: { type: 'token' as const, token: 'x' },
  }
  await expect(it.mirrors.update(repository)).rejects.toMatchObject({ code: 'repository_url_invalid' })
})

test('a host that does not answer, and a repository that is not there, are named', async () => {
  await using it = await setUpMirror()
  const { port } = await startAndStop()
  await expect(
    it.mirrors.update({ ...it.repository, url: `http://127.0.0.1:${port}/a.git` }),
  ).rejects.toMatchObject({ code: 'git_unreachable' })
  await expect(it.mirrors.update({ ...it.repository, url: it.host.url('nothing') })).rejects.toMatchObject({
    code: 'git_unreachable',
    message: expect.stringContaining('knows no such repository'),
  })
  expect((await readdir(it.mirrorDirectory)).filter(name => name.startsWith('repo1'))).toEqual([])
})

test('a repository that moved on its host is found; one that moved to a private address is not', async () => {
  let target = ''
  await using it = await setUpMirror({
    intercept: (request, response) => {
      if (!request.url?.startsWith('/old')) return false
      response.writeHead(301, { Location: request.url.replace('/old', target) }).end()
      return true
    },
  })
  target = '/sample.git'
  const moved = { ...it.repository, url: `${it.host.origin}/old` }
  await it.mirrors.update(moved)
  const asked = it.host.requests.filter(line => line.includes('/old')).length
  await it.mirrors.update(moved)
  expect(it.host.requests.filter(line => line.includes('/old'))).toHaveLength(asked)

  target = `http://localhost:${it.host.port}/sample.git`
  await expect(it.mirrors.update({ ...moved, url: `${it.host.origin}/old2` })).rejects.toMatchObject({
    code: 'address_not_allowed',
  })
})

/** A port on which nobody listens. */
async function startAndStop(): Promise<{ port: number }> {
  await using temporary = await temporaryDirectory()
  await using host = await startGitHost({ directory: temporary.path })
  return { port: host.port }
}

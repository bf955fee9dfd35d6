// Smart HTTP for people, with their own Git clients.
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createPeopleGit, type PeopleGitOptions, type PeopleRequest, type RefUpdate } from './people.ts'
import { client, commit, git, hostRepository, listen, temporaryDirectory, workTree } from './test-host.ts'

vi.setConfig({ testTimeout: 30_000 })

async function setUp(options: Partial<PeopleGitOptions & PeopleRequest> & { empty?: boolean } = {}) {
  const temporary = await temporaryDirectory()
  const work = await workTree(temporary.path)
  const path = await hostRepository(temporary.path, 'shared', options.empty ? undefined : work.path)
  const updates: RefUpdate[] = []
  const people = createPeopleGit({
    pathOf: name => join(temporary.path, `${name}.git`),
    onMoved: async (_repository, refs) => void updates.push(...refs),
    ...options,
  })
  const server = await listen((request, response) => {
    const [, repositoryId, pathRest] = /^\/([\w-]+)\.git(\/.*)$/.exec(request.url ?? '') ?? []
    const asked = {
      repositoryId: repositoryId ?? '',
      pathRest: pathRest ?? '',
      kind: 'hosted',
      canPush: true,
      ...options,
    } as const
    void people.handle(request, response, asked)
  })
  return {
    temporary,
    work,
    path,
    updates,
    url: (name = 'shared') => `${server.origin}/${name}.git`,
    push: (...args: string[]) => client(work.path, ['push', `${server.origin}/shared.git`, ...args]),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('the first branch that is pushed becomes the default', async () => {
  await using it = await setUp({ empty: true })
  expect(await it.push('main:trunk', 'main:refs/tags/v1')).toMatchObject({ exitCode: 0 })
  expect(it.updates).toEqual([
    { ref: 'refs/heads/trunk', old: null, new: it.work.commit },
    { ref: 'refs/tags/v1', old: null, new: it.work.commit },
  ])
  await git(it.temporary.path, 'clone', '--quiet', it.url(), 'copy')
  expect(await git(join(it.temporary.path, 'copy'), 'symbolic-ref', '--short', 'HEAD')).toBe('trunk')
})

test('a repository with an upstream, a reader, and a name that is not there are told apart', async () => {
  await using mirror = await setUp({ kind: 'mirror' })
  expect((await mirror.push('main:x')).stderr).toContain(
    'remote: This repository has an upstream: push there.',
  )
  await git(mirror.temporary.path, 'clone', '--quiet', mirror.url(), 'copy')
  await using reader = await setUp({ canPush: false })
  expect((await reader.push('main:x')).stderr).toContain('remote: Your role does not allow you to push')
  expect((await client(reader.work.path, ['ls-remote', reader.url('nothing')])).stderr).toContain('not found')
})

test("FlowForge's own refs are neither shown nor touched, nor is anything beside branches and tags", async () => {
  await using it = await setUp()
  await git(it.path, 'update-ref', 'refs/flowforge/jobs/job1/head', it.work.commit)
  for (const protocol of ['0', '2']) {
    expect((await client(it.work.path, ['ls-remote', it.url()], { protocol })).stdout).not.toContain(
      'flowforge',
    )
  }
  for (const ref of ['refs/flowforge/jobs/job1/head', 'refs/notes/x', 'refs/x']) {
    expect((await it.push('--force', `main:${ref}`)).stderr).toContain('deny updating a hidden ref')
  }
  expect(it.updates).toEqual([])
})

test('deleting and rewriting branches is allowed or not, as configured', async () => {
  await using open = await setUp()
  await open.push('main:x')
  expect(await open.push('--delete', 'x')).toMatchObject({ exitCode: 0 })
  await using closed = await setUp({ denyDeletes: true, denyForcePushes: true })
  await closed.push('main:x')
  expect((await closed.push('--delete', 'x')).stderr).toContain('deletion prohibited')
  await git(closed.work.path, 'commit', '--quiet', '--amend', '-m', 'Another')
  expect((await closed.push('--force', 'main:x')).stderr).toContain('non-fast-forward')
})

test('a push that is too large, or damaged, is refused', async () => {
  await using it = await setUp({ limits: { maxPushBytes: 100_000 } })
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64')
  await commit(it.work.path, { big: random + random })
  expect((await it.push('main')).exitCode).not.toBe(0)
  await git(it.work.path, 'reset', '--quiet', '--hard', 'HEAD~1')
  const { stdout: tree } = await client(it.work.path, ['mktree'], {
    input: `100644 blob ${await git(it.work.path, 'hash-object', 'README.md')}\t..\n`,
  })
  const bad = await git(it.work.path, 'commit-tree', '-m', 'x', tree)
  expect((await it.push(`${bad}:refs/heads/bad`)).exitCode).not.toBe(0)
  expect(await git(it.path, 'branch', '--list')).toBe('* main')
})

test('hooks in the repository are not run', async () => {
  await using it = await setUp()
  const marker = join(it.temporary.path, 'ran')
  await git(it.path, 'config', 'core.hooksPath', join(it.path, 'hooks'))
  await git(it.temporary.path, 'init', '--quiet', '--bare', it.path)
  await writeFile(join(it.path, 'hooks', 'post-receive'), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
  await it.push('main:x')
  expect((await client(it.temporary.path, ['hash-object', marker])).exitCode).not.toBe(0)
})

test('a lock left by a killed Git does not stop a push', async () => {
  await using it = await setUp()
  const lock = join(it.path, 'refs/heads/main.lock')
  await writeFile(lock, '')
  const old = new Date(Date.now() - 5_000)
  await utimes(lock, old, old)
  await commit(it.work.path, { 'a.txt': 'a\n' })
  expect(await it.push('main')).toMatchObject({ exitCode: 0 })
})

test('a body that is not what it says is refused', async () => {
  await using it = await setUp()
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${it.url()}/git-receive-pack`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-git-receive-pack-request', ...headers },
      body,
    })
  expect((await post('zzzz')).status).toBe(400)
  expect((await post('not gzip', { 'Content-Encoding': 'gzip' })).status).toBe(400)
  const fetched = fetch(`${it.url()}/git-upload-pack`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-git-upload-pack-request', 'Content-Encoding': 'gzip' },
    body: 'not gzip',
  })
  expect((await fetched).ok).toBe(false)
})

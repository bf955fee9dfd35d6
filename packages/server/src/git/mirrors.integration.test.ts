// Mirrors against a real Git host on loopback.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMirrors } from './mirrors.ts'
import {
  client,
  commit,
  git,
  hostRepository,
  startGitHost,
  temporaryDirectory,
  workTree,
} from './test-host.ts'

async function setUp(options: { password?: string } = {}) {
  const temporary = await temporaryDirectory()
  const hostDirectory = join(temporary.path, 'host')
  await mkdir(hostDirectory)
  const work = await workTree(temporary.path)
  const upstream = await hostRepository(hostDirectory, 'sample', work.path)
  const host = await startGitHost({ directory: hostDirectory, ...options })
  const mirrors = createMirrors({ directory: join(temporary.path, 'mirrors'), trustedHosts: ['127.0.0.1'] })
  const repository = { id: 'repo1', url: host.url('sample'), credential: null }
  return {
    temporary,
    work,
    upstream,
    host,
    mirrors,
    repository,
    hostDirectory,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('the first update clones, later ones bring and prune branches', async () => {
  await using it = await setUp()
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.resolveBranch('repo1', null)).toEqual({ branch: 'main', commit: it.work.commit })

  const next = await commit(it.work.path, { 'a.txt': 'a\n' })
  await git(it.work.path, 'push', '--quiet', it.upstream, 'main', 'main:topic')
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.resolveBranch('repo1', 'topic')).toEqual({ branch: 'topic', commit: next })

  await git(it.upstream, 'branch', '-D', 'topic')
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.listBranches('repo1')).toEqual([{ name: 'main', commit: next }])
})

test('publishing is a compare-and-swap that can be repeated', async () => {
  await using it = await setUp()
  await it.mirrors.update(it.repository)
  const { commit: base } = it.work
  const publication = { repository: it.repository, branch: 'job/1', commit: base, expected: null }
  expect(await it.mirrors.publish(publication)).toBe('published')
  expect(await it.mirrors.publish(publication)).toBe('already')
  expect(await git(it.upstream, 'rev-parse', 'job/1')).toBe(base)

  const theirs = await commit(it.work.path, { 'b.txt': 'b\n' })
  await git(it.work.path, 'push', '--quiet', it.upstream, 'main:job/1', 'main')
  await it.mirrors.update(it.repository)
  const other = await git(it.mirrors.pathOf('repo1'), 'commit-tree', '-p', base, '-m', 'x', `${base}^{tree}`)
  await expect(it.mirrors.publish({ ...publication, commit: other, expected: base })).rejects.toMatchObject({
    code: 'push_rejected',
  })
  expect(await git(it.upstream, 'rev-parse', 'job/1')).toBe(theirs)
})

test('a person clones from and pushes to a hosted repository', async () => {
  await using it = await setUp()
  await hostRepository(it.hostDirectory, 'empty')
  const pushed = await client(it.work.path, ['push', it.host.url('empty'), 'main:trunk'])
  expect(pushed).toMatchObject({ exitCode: 0 })
  const cloned = await client(it.temporary.path, ['clone', it.host.url('empty'), 'copy'])
  expect(cloned).toMatchObject({ exitCode: 0 })
  expect(await git(join(it.temporary.path, 'copy'), 'rev-parse', 'HEAD', '--abbrev-ref', 'HEAD')).toBe(
    `${it.work.commit}\ntrunk`,
  )
})

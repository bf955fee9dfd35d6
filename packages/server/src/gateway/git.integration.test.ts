// A container's Git through the gateway: real Git clients, a real mirror, and everything that a hostile one might push.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMirrors } from '../git/mirrors.ts'
import { client, commit, git, listen, temporaryDirectory, workTree } from '../git/test-host.ts'
import type { GatewayAttempt } from './attempt.ts'
import { createGitGateway, type GitGatewayOptions } from './git.ts'

async function setUp(options: Partial<GitGatewayOptions> = {}) {
  const temporary = await temporaryDirectory()
  const work = await workTree(temporary.path)
  const mirrors = createMirrors({ directory: join(temporary.path, 'mirrors'), trustedHosts: [] })
  await mirrors.createHosted('repo1', { defaultBranch: 'main' })
  const mirror = mirrors.pathOf('repo1')
  await git(work.path, 'push', '--quiet', mirror, 'main')
  const pushes: string[] = []
  const refusals: { ref: string; reason: string }[] = []
  const quarantineDirectory = join(temporary.path, 'quarantine')
  const gateway = createGitGateway({
    mirrors,
    quarantineDirectory,
    onPush: async (_attempt, push) => void pushes.push(push.commit),
    onRefused: async (_attempt, refusal) => void refusals.push(refusal),
    ...options,
  })
  const abort = new AbortController()
  const attempt: GatewayAttempt = {
    attemptId: 'attempt1',
    jobId: 'job1',
    organizationId: 'org1',
    repositoryId: 'repo1',
    number: 1,
    phase: 'agent',
    token: 'not used here',
    branch: 'flowforge/1',
    baseCommit: work.commit,
    allowedModels: [],
    egressAllow: [],
    signal: abort.signal,
  }
  const attempts: Record<string, GatewayAttempt> = { '1': attempt }
  const server = await listen((request, response) => {
    const [, which, pathRest] = /^\/(\d+)\.git(\/.*)$/.exec(request.url ?? '') ?? []
    gateway.handle(request, response, attempts[which ?? '']!, pathRest ?? '').catch(error => {
      console.error(error)
      response.destroy()
    })
  })
  const url = (which = '1') => `${server.origin}/${which}.git`
  const clone = async (name = 'clone', which = '1') => {
    await git(temporary.path, 'clone', '--quiet', url(which), name)
    return join(temporary.path, name)
  }
  return {
    temporary,
    work,
    mirrors,
    mirror,
    gateway,
    attempt,
    attempts,
    abort,
    pushes,
    refusals,
    quarantineDirectory,
    url,
    clone,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test('a container clones, pushes its branch, and pushes more onto it', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  const first = await commit(clone, { 'a.txt': 'a\n' })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 0 })
  const second = await commit(clone, { 'b.txt': 'b\n' })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 0 })
  expect(it.pushes).toEqual([first, second])
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(second)
  expect(await it.mirrors.diff('repo1', it.work.commit, second, { maxBytes: 1e6 })).toMatchObject({
    filesChanged: 2,
    insertions: 2,
    deletions: 0,
  })
  expect(await readdir(join(it.quarantineDirectory, 'attempt1'))).toEqual([])
  await git(it.mirror, 'fsck', '--strict')
})

// For tests only: the Git gateway on loopback, with one hosted repository and one attempt that works on it.
import { join } from 'node:path'
import { createMirrors } from '../git/mirrors.ts'
import { git, listen, temporaryDirectory, workTree } from '../git/test-host.ts'
import type { GatewayAttempt } from './attempt.ts'
import { createGitGateway, type GitGatewayOptions } from './git.ts'

export async function setUpGateway(options: Partial<GitGatewayOptions> = {}) {
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
    void gateway.handle(request, response, attempts[which ?? '']!, pathRest ?? '')
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

export const refs = async (repository: string): Promise<string[]> =>
  (await git(repository, 'for-each-ref', '--format=%(refname)')).split('\n')

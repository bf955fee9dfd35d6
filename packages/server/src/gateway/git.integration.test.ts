// A container's Git through the gateway: real Git clients, a real mirror, and everything that a hostile one might push.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { FlowForgeError } from '../errors.ts'
import { createMirrors } from '../git/mirrors.ts'
import { pktLine } from '../git/pkt-line.ts'
import { client, commit, git, listen, temporaryDirectory, workTree } from '../git/test-host.ts'
import type { GatewayAttempt } from './attempt.ts'
import { createGitGateway, type GitGatewayOptions } from './git.ts'

vi.setConfig({ testTimeout: 30_000 })

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

test.each([
  ['the base branch', ['HEAD:main']],
  ["another job's branch", ['HEAD:flowforge/2']],
  ['a tag', ['HEAD:refs/tags/v1']],
  ["FlowForge's own refs", ['HEAD:refs/flowforge/jobs/job1/head']],
  ['its branch and another at once', ['HEAD:flowforge/1', 'HEAD:main']],
])('a push to %s is refused, told to the client, and recorded', async (_what, refspecs) => {
  await using it = await setUp()
  const clone = await it.clone()
  await commit(clone, { 'a.txt': 'a\n' })
  const pushed = await client(clone, ['push', 'origin', ...refspecs])
  expect(pushed.exitCode).toBe(1)
  expect(pushed.stderr).toContain('this job can only push to the branch "flowforge/1"')
  expect(it.refusals).toHaveLength(1)
  expect(it.refusals[0]!.ref).not.toBe('refs/heads/flowforge/1')
  expect(it.pushes).toEqual([])
  expect(await refs(it.mirror)).toEqual(['refs/heads/main'])
})

test('a rewritten branch is refused, even by force', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  const first = await commit(clone, { 'a.txt': 'a\n' })
  await git(clone, 'push', 'origin', 'HEAD:flowforge/1')
  await git(clone, 'reset', '--quiet', '--hard', 'HEAD~1')
  await commit(clone, { 'b.txt': 'b\n' })
  const pushed = await client(clone, ['push', '--force', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('the new commits do not build on the previous ones')
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(first)
})

test('work that does not descend from the base is refused', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  await git(clone, 'checkout', '--quiet', '--orphan', 'unrelated')
  await commit(clone, { 'a.txt': 'a\n' })
  const pushed = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('the new commits do not build on the previous ones')
  expect(it.refusals).toHaveLength(1)
})

test('the branch can not be deleted', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  const head = await commit(clone, { 'a.txt': 'a\n' })
  await git(clone, 'push', 'origin', 'HEAD:flowforge/1')
  const pushed = await client(clone, ['push', 'origin', '--delete', 'flowforge/1'])
  expect(pushed.exitCode).not.toBe(0)
  expect(await send(it.url(), [command(head, ZERO, 'refs/heads/flowforge/1')])).toContain(
    'can not be deleted',
  )
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(head)
})

test.each([
  ['a NUL', 'refs/heads/flowforge/1\0x'],
  ['a line end', 'refs/heads/flowforge/1\nrefs/heads/main'],
  ['a path upwards', 'refs/heads/../../HEAD'],
  ['an option', '-u/bin/true'],
])('a ref name with %s moves nothing', async (_what, ref) => {
  await using it = await setUp()
  const answer = await send(it.url(), [
    `${ZERO} ${it.work.commit} refs/heads/flowforge/1\0 report-status`,
    `${ZERO} ${it.work.commit} ${ref}`,
  ])
  expect(answer).toMatch(/ng refs\/heads|not Git's protocol/)
  expect(await refs(it.mirror)).toEqual(['refs/heads/main'])
})

test.each([
  ['nothing', ''],
  ['no packet', 'zzzzhello'],
  ['half a packet', '00ff'],
  ['a command without sense', '000ahello0000'],
])('a push of %s is answered without harm', async (_what, body) => {
  await using it = await setUp()
  const response = await fetch(`${it.url()}/git-receive-pack`, {
    method: 'POST',
    headers: RECEIVE_TYPE,
    body,
  })
  expect([200, 400]).toContain(response.status)
  expect(await refs(it.mirror)).toEqual(['refs/heads/main'])
})

test('a pack that is too large, or has too many commits, is refused', async () => {
  await using it = await setUp({ limits: { maxPackBytes: 100_000, maxCommits: 2 } })
  const clone = await it.clone()
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64')
  await commit(clone, { big: random + random })
  const large = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(large.stderr).toContain('pack exceeds maximum allowed size')
  await git(clone, 'reset', '--quiet', '--hard', 'origin/main')
  for (const name of ['1', '2', '3']) await commit(clone, { name })
  const many = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(many.stderr).toContain('the push has more than 2 commits')
  expect(await readdir(join(it.quarantineDirectory, 'attempt1'))).toEqual([])
})

test('a small pack that unfolds to a huge object is refused', async () => {
  await using it = await setUp({ limits: { maxObjectBytes: 20 * 1024 ** 2 } })
  const clone = await it.clone()
  // Two similar files of 30 MB of zeros: one is stored as a difference of a few bytes to the other.
  await git(clone, 'config', 'core.bigFileThreshold', '1g')
  const zeros = '0'.repeat(30 * 1024 ** 2)
  await commit(clone, { one: zeros, two: `${zeros}1` })
  await git(clone, 'repack', '-q', '-a', '-d', '-f')
  const pushed = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.exitCode).toBe(1)
  expect(pushed.stderr).toContain('[remote rejected]')
  expect(it.refusals).toHaveLength(1)
})

test('objects that Git itself would not accept are refused', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  const blob = await git(clone, 'hash-object', '-w', 'README.md')
  const { stdout: tree } = await client(clone, ['mktree'], { input: `100644 blob ${blob}\t.git\n` })
  const bad = await git(clone, 'commit-tree', '-p', 'HEAD', '-m', 'x', tree)
  const pushed = await client(clone, ['push', 'origin', `${bad}:refs/heads/flowforge/1`])
  expect(pushed.stderr).toMatch(/remote rejected.*hasDotgit/i)
})

test('a policy can refuse what is pushed, and sees it before anyone else', async () => {
  await using it = await setUp({
    inspect: async (_attempt, push) => {
      const names = await push.read(['diff-tree', '-r', '--name-only', push.tip, push.head])
      return names.includes('.github/workflows/') ? 'workflows are protected here' : null
    },
  })
  const clone = await it.clone()
  await commit(clone, { '.github/workflows/ci.yml': 'on: push\n' })
  const pushed = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('workflows are protected here')
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBeNull()
})

test('an attempt that has lost its lease stores nothing', async () => {
  await using it = await setUp({
    inspect: async () => {
      it.abort.abort()
      return null
    },
  })
  const clone = await it.clone()
  await commit(clone, { 'a.txt': 'a\n' })
  const pushed = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('this attempt has ended')
  expect(it.pushes).toEqual([])
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBeNull()
})

test('a push that could not be recorded is not acknowledged, but not lost', async () => {
  await using it = await setUp({ onPush: () => Promise.reject(new FlowForgeError('database_unavailable')) })
  const clone = await it.clone()
  const head = await commit(clone, { 'a.txt': 'a\n' })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 1 })
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(head)
})

test('a later attempt starts over, and shuts out the earlier one', async () => {
  await using it = await setUp()
  it.attempts['2'] = { ...it.attempt, attemptId: 'attempt2', number: 2 }
  const [first, second] = [await it.clone('first'), await it.clone('second', '2')]
  await commit(first, { 'a.txt': 'a\n' })
  await git(first, 'push', 'origin', 'HEAD:flowforge/1')
  const head = await commit(second, { 'b.txt': 'b\n' })
  await git(second, 'push', 'origin', 'HEAD:flowforge/1')
  await commit(first, { 'c.txt': 'c\n' })
  const late = await client(first, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(late.stderr).toContain('moved by another push')
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(head)
})

test('a gateway that starts again knows what the attempt had pushed', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  await commit(clone, { 'a.txt': 'a\n' })
  await git(clone, 'push', 'origin', 'HEAD:flowforge/1')
  await it.gateway.release('attempt1')
  const next = await commit(clone, { 'b.txt': 'b\n' })
  await git(clone, 'push', 'origin', 'HEAD:flowforge/1')
  expect(it.pushes.at(-1)).toBe(next)
})

test.each([
  '0',
  '2',
])("a verifying container fetches its job's result, sees no other job's, and can not push (protocol %s)", async protocol => {
  await using it = await setUp()
  it.attempts['2'] = { ...it.attempt, attemptId: 'attempt2', jobId: 'job2', branch: 'flowforge/2' }
  it.attempts['3'] = { ...it.attempt, phase: 'verify' }
  const clone = await it.clone()
  const head = await commit(clone, { 'a.txt': 'a\n' })
  await git(clone, 'push', 'origin', 'HEAD:flowforge/1')
  await git(clone, 'push', it.url('2'), 'HEAD:flowforge/2')

  const listed = await client(clone, ['ls-remote', it.url('3')], { protocol })
  expect(listed.stdout).toContain(`${head}\trefs/flowforge/jobs/job1/head`)
  expect(listed.stdout).not.toContain('job2')
  const fetched = await client(clone, ['fetch', '--depth=1', it.url('3'), 'refs/flowforge/jobs/job1/head'], {
    protocol,
  })
  expect(fetched).toMatchObject({ exitCode: 0 })
  const pushed = await client(clone, ['push', it.url('3'), 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('A container that verifies does not push.')
})

test('a container fetches the ordered commit alone, without blobs, shallow or whole', async () => {
  await using it = await setUp()
  const target = join(it.temporary.path, 'bare')
  await git(it.temporary.path, 'init', '--quiet', target)
  for (const how of [[], ['--depth=1'], ['--filter=blob:none'], ['--filter=blob:limit=1k']]) {
    expect(await client(target, ['fetch', '--no-tags', ...how, it.url(), it.work.commit])).toMatchObject({
      exitCode: 0,
    })
  }
  expect(
    (await client(target, ['fetch', '--refetch', '--filter=sparse:oid=main', it.url(), 'main'])).exitCode,
  ).not.toBe(0)
})

test('a shallow clone pushes its work', async () => {
  await using it = await setUp()
  const deeper = await commit(it.work.path, { 'more.txt': 'more\n' })
  await git(it.work.path, 'push', '--quiet', it.mirror, 'main')
  it.attempts['1'] = { ...it.attempt, baseCommit: deeper }
  await git(it.temporary.path, 'clone', '--quiet', '--depth=1', it.url(), 'shallow')
  const shallow = join(it.temporary.path, 'shallow')
  const head = await commit(shallow, { 'a.txt': 'a\n' })
  expect(await client(shallow, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 0 })
  expect(it.pushes).toEqual([head])
})

test('pushing the base itself makes the branch; pushing nothing new is no error', async () => {
  await using it = await setUp()
  const clone = await it.clone()
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 0 })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({
    exitCode: 0,
    stderr: 'Everything up-to-date',
  })
  expect(it.pushes).toEqual([it.work.commit])
})

test.each([
  ['GET', '/HEAD', 404],
  ['GET', '/objects/info/packs', 404],
  ['GET', '/info/refs', 403],
  ['GET', '/info/refs?service=git-upload-archive', 403],
  ['POST', '/git-upload-archive', 404],
  ['GET', '/git-upload-pack', 405],
  ['POST', '/git-upload-pack', 415],
])('%s %s is no way in (%i)', async (method, path, status) => {
  await using it = await setUp()
  expect((await fetch(it.url() + path, { method })).status).toBe(status)
})

test('twenty containers fetch and push at the same time', async () => {
  await using it = await setUp()
  const numbers = Array.from({ length: 20 }, (_, index) => String(index + 10))
  for (const number of numbers) {
    it.attempts[number] = {
      ...it.attempt,
      attemptId: `attempt${number}`,
      jobId: `job${number}`,
      branch: `flowforge/${number}`,
    }
  }
  const heads = await Promise.all(
    numbers.map(async number => {
      const clone = await it.clone(`clone${number}`, number)
      const head = await commit(clone, { [`${number}.txt`]: number })
      expect(await client(clone, ['push', 'origin', `HEAD:flowforge/${number}`])).toMatchObject({
        exitCode: 0,
      })
      return head
    }),
  )
  expect(await Promise.all(numbers.map(number => it.mirrors.jobHead('repo1', `job${number}`)))).toEqual(heads)
  await git(it.mirror, 'fsck', '--strict')
})

const ZERO = '0'.repeat(40)
const RECEIVE_TYPE = { 'Content-Type': 'application/x-git-receive-pack-request' }
const command = (old: string, new_: string, ref: string) => `${old} ${new_} ${ref}\0 report-status`

/** What no Git client would send. */
async function send(url: string, commands: string[]): Promise<string> {
  const body = Buffer.concat([...commands.map(pktLine), Buffer.from('0000')])
  const response = await fetch(`${url}/git-receive-pack`, { method: 'POST', headers: RECEIVE_TYPE, body })
  return response.text()
}

const refs = async (repository: string): Promise<string[]> =>
  (await git(repository, 'for-each-ref', '--format=%(refname)')).split('\n')

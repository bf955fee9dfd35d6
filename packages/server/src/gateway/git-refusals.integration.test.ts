// Everything that a hostile container might push, or ask for.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { pktLine } from '../git/pkt-line.ts'
import { client, commit, git } from '../git/test-host.ts'
import { refs, setUpGateway } from './test-git-gateway.ts'

vi.setConfig({ testTimeout: 30_000 })

test.each([
  ['the base branch', ['HEAD:main']],
  ["another job's branch", ['HEAD:flowforge/2']],
  ['a tag', ['HEAD:refs/tags/v1']],
  ["FlowForge's own refs", ['HEAD:refs/flowforge/jobs/job1/head']],
  ['its branch and another at once', ['HEAD:flowforge/1', 'HEAD:main']],
])('a push to %s is refused, told to the client, and recorded', async (_what, refspecs) => {
  await using it = await setUpGateway()
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

test('a container that saves work pushes that alone, to the ref of its attempt', async () => {
  await using it = await setUpGateway()
  it.attempts['2'] = { ...it.attempt, phase: 'rescue' }
  const clone = await it.clone('rescue', '2')
  const saved = await commit(clone, { 'a.txt': 'a\n' })
  for (const refspec of ['HEAD:flowforge/1', 'HEAD:main', 'HEAD:refs/flowforge/jobs/job1/rescue/2']) {
    const pushed = await client(clone, ['push', 'origin', refspec])
    expect(pushed.stderr).toContain('a container that saves work pushes nothing else')
  }
  await git(clone, 'push', '--quiet', 'origin', 'HEAD:refs/flowforge/work')
  expect(await refs(it.mirror)).toEqual(['refs/flowforge/jobs/job1/rescue/1', 'refs/heads/main'])
  expect(it.pushes).toEqual([saved])
  // It is no result of the job: nobody publishes it.
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBeNull()
})

test('a rewritten branch is refused, even by force', async () => {
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
  const clone = await it.clone()
  await git(clone, 'checkout', '--quiet', '--orphan', 'unrelated')
  await commit(clone, { 'a.txt': 'a\n' })
  const pushed = await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])
  expect(pushed.stderr).toContain('the new commits do not build on the previous ones')
  expect(it.refusals).toHaveLength(1)
})

test('the branch can not be deleted', async () => {
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
  const response = await fetch(`${it.url()}/git-receive-pack`, {
    method: 'POST',
    headers: RECEIVE_TYPE,
    body,
  })
  expect([200, 400]).toContain(response.status)
  expect(await refs(it.mirror)).toEqual(['refs/heads/main'])
})

test('a pack that is too large, or has too many commits, is refused', async () => {
  await using it = await setUpGateway({ limits: { maxPackBytes: 100_000, maxCommits: 2 } })
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
  await using it = await setUpGateway({ limits: { maxObjectBytes: 20 * 1024 ** 2 } })
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
  await using it = await setUpGateway()
  const clone = await it.clone()
  const blob = await git(clone, 'hash-object', '-w', 'README.md')
  const { stdout: tree } = await client(clone, ['mktree'], { input: `100644 blob ${blob}\t.git\n` })
  const bad = await git(clone, 'commit-tree', '-p', 'HEAD', '-m', 'x', tree)
  const pushed = await client(clone, ['push', 'origin', `${bad}:refs/heads/flowforge/1`])
  expect(pushed.stderr).toMatch(/remote rejected.*hasDotgit/i)
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
  await using it = await setUpGateway()
  expect((await fetch(it.url() + path, { method })).status).toBe(status)
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

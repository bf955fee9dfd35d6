// A container's Git through the gateway: real Git clients, a real mirror.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { WORK_REF } from '@flowforge/protocol'
import { expect, test, vi } from 'vitest'
import { FlowForgeError } from '../errors.ts'
import { client, commit, git } from '../git/test-host.ts'
import { setUpGateway } from './test-git-gateway.ts'

vi.setConfig({ testTimeout: 30_000 })

test('a container clones, pushes its branch, and pushes more onto it', async () => {
  await using it = await setUpGateway()
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

test('unfinished work is kept apart from the result, may be kept anew, and is there for the next attempt', async () => {
  await using it = await setUpGateway()
  const clone = await it.clone()
  const half = await commit(clone, { 'half.txt': 'half\n' })
  expect(await client(clone, ['push', 'origin', `HEAD:${WORK_REF}`])).toMatchObject({ exitCode: 0 })
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBeNull()
  expect(await it.mirrors.keptWork('repo1', 'job1', 1)).toMatchObject({ commit: half })
  // Saved again it builds on the base, not on what was saved before.
  await git(clone, 'reset', '--quiet', '--hard', it.work.commit)
  const other = await commit(clone, { 'other.txt': 'other\n' })
  expect(await client(clone, ['push', 'origin', `+HEAD:${WORK_REF}`])).toMatchObject({ exitCode: 0 })
  const kept = await it.mirrors.keptWork('repo1', 'job1', 1)
  expect(kept).toMatchObject({ commit: other })
  it.attempts['2'] = { ...it.attempt, attemptId: 'attempt2', number: 2 }
  it.attempts['3'] = { ...it.attempt, attemptId: 'attempt3', jobId: 'job2' }
  await git(clone, 'fetch', '--quiet', it.url('2'), kept!.ref)
  // Of another job it shows nothing.
  expect((await client(clone, ['fetch', it.url('3'), kept!.ref])).exitCode).not.toBe(0)
  expect(await it.mirrors.keptWork('repo1', 'job1', 2)).toBeNull()
  // What was saved of an attempt that broke off is there as well.
  const rescued = 'refs/flowforge/jobs/job1/rescue/2'
  await git(it.mirror, 'update-ref', rescued, half)
  expect(await it.mirrors.keptWork('repo1', 'job1', 2)).toEqual({ commit: half, ref: rescued })
})

test('a policy can refuse what is pushed, and sees it before anyone else', async () => {
  await using it = await setUpGateway({
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
  await using it = await setUpGateway({
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
  await using it = await setUpGateway({
    onPush: () => Promise.reject(new FlowForgeError('database_unavailable')),
  })
  const clone = await it.clone()
  const head = await commit(clone, { 'a.txt': 'a\n' })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 1 })
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(head)
})

test('a later attempt starts over, and shuts out the earlier one', async () => {
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
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
  await using it = await setUpGateway()
  const clone = await it.clone()
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({ exitCode: 0 })
  expect(await client(clone, ['push', 'origin', 'HEAD:flowforge/1'])).toMatchObject({
    exitCode: 0,
    stderr: 'Everything up-to-date',
  })
  expect(it.pushes).toEqual([it.work.commit])
})

test('twenty containers fetch and push at the same time', async () => {
  await using it = await setUpGateway()
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

// Mirrors against a real Git host on loopback: kept fresh, killed, filled up, published.
import { spawn } from 'node:child_process'
import { chmod, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { MirrorsOptions } from './mirrors.ts'
import { runGit } from './run.ts'
import { commit, git, hostRepository, temporaryDirectory } from './test-host.ts'
import { setUpMirror, stuckHost } from './test-mirror.ts'

vi.setConfig({ testTimeout: 30_000 })

test('the first update clones, later ones bring and prune branches', async () => {
  await using it = await setUpMirror()
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
  await using it = await setUpMirror()
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

test('a commit is kept for a job, when it is here, whatever becomes of its branch', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  const { commit: here } = it.work
  expect(await it.mirrors.keep('repo1', { jobId: 'job1', as: 'base', commit: here })).toBe(true)
  expect(await it.mirrors.keep('repo1', { jobId: 'job1', as: 'head', commit: here })).toBe(true)
  expect(await git(it.mirrors.pathOf('repo1'), 'rev-parse', 'refs/flowforge/jobs/job1/base')).toBe(here)
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(here)
  const elsewhere = '1'.repeat(40)
  expect(await it.mirrors.keep('repo1', { jobId: 'job2', as: 'head', commit: elsewhere })).toBe(false)
  expect(await it.mirrors.jobHead('repo1', 'job2')).toBeNull()
})

test('a copy whose upstream has all of it can go, and comes back with the next update', async () => {
  await using it = await setUpMirror()
  const unused = async () => true
  expect(await it.mirrors.removeCopy('repo1', unused)).toBe(false)
  await it.mirrors.update(it.repository)
  await it.mirrors.keep('repo1', { jobId: 'job1', as: 'base', commit: it.work.commit })
  expect(await it.mirrors.removeCopy('repo1', async () => false)).toBe(false)
  expect(await it.mirrors.removeCopy('repo1', unused)).toBe(true)
  expect(await it.mirrors.exists('repo1')).toBe(false)
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.resolveBranch('repo1', null)).toEqual({ branch: 'main', commit: it.work.commit })
})

test('a copy that has a result which is nowhere else never goes', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  const path = it.mirrors.pathOf('repo1')
  const result = await git(path, 'commit-tree', '-p', it.work.commit, '-m', 'x', `${it.work.commit}^{tree}`)
  await it.mirrors.keep('repo1', { jobId: 'job1', as: 'head', commit: result })
  expect(await it.mirrors.removeCopy('repo1', async () => true)).toBe(false)
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(result)
})

test('the default branch follows the upstream', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  await it.push('main:next')
  await git(it.upstream, 'symbolic-ref', 'HEAD', 'refs/heads/next')
  await git(it.upstream, 'update-ref', '-d', 'refs/heads/main')
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.resolveBranch('repo1', null)).toEqual({ branch: 'next', commit: it.work.commit })
})

test('a fetch leaves the results of jobs alone', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  await git(it.mirrors.pathOf('repo1'), 'update-ref', 'refs/flowforge/jobs/job1/head', it.work.commit)
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.jobHead('repo1', 'job1')).toBe(it.work.commit)
})

test('a branch that is not there is named, with those that are', async () => {
  await using it = await setUpMirror()
  await it.push('main:topic')
  await it.mirrors.update(it.repository)
  await expect(it.mirrors.resolveBranch('repo1', 'mian')).rejects.toMatchObject({
    code: 'base_not_found',
    message: expect.stringMatching(/"mian".*(main, topic|topic, main)\.$/),
  })
  await expect(it.mirrors.resolveBranch('repo1', '--all')).rejects.toMatchObject({
    code: 'branch_name_invalid',
  })
})

test('an upstream without commits is mirrored, and said to be empty', async () => {
  await using it = await setUpMirror()
  await hostRepository(it.hostDirectory, 'empty')
  await it.mirrors.update({ ...it.repository, url: it.host.url('empty') })
  await expect(it.mirrors.resolveBranch('repo1', null)).rejects.toMatchObject({ code: 'repository_empty' })
  await expect(it.mirrors.resolveBranch('repo1', 'main')).rejects.toMatchObject({ code: 'repository_empty' })
})

test('updates at the same time share a fetch, and a fresh copy needs none', async () => {
  await using it = await setUpMirror()
  const fetches = () => it.host.requests.filter(line => line.startsWith('POST')).length
  await Promise.all(Array.from({ length: 20 }, () => it.mirrors.update(it.repository, { maxAgeMs: 60_000 })))
  const once = fetches()
  expect(once).toBeLessThan(6)
  await it.mirrors.update(it.repository, { maxAgeMs: 60_000 })
  expect(fetches()).toBe(once)
  const elsewhere = await hostRepository(it.hostDirectory, 'moved', it.work.path)
  await git(elsewhere, 'branch', 'only-there', 'main')
  await it.mirrors.update({ ...it.repository, url: it.host.url('moved') }, { maxAgeMs: 60_000 })
  expect(await it.mirrors.listBranches('repo1')).toHaveLength(2)
})

test('an update that is aborted ends at once and leaves nothing behind', async () => {
  const { asked, intercept } = stuckHost()
  await using it = await setUpMirror({ intercept })
  const abort = new AbortController()
  const update = it.mirrors.update(it.repository, { signal: abort.signal })
  await asked
  abort.abort(new Error('nobody waits any more'))
  await expect(update).rejects.toThrow('nobody waits any more')
  await expect.poll(() => readdir(it.mirrorDirectory)).toEqual(['locks'])
})

test('a clone whose process was killed is done again', async () => {
  const { asked, intercept, recover } = stuckHost()
  await using it = await setUpMirror({ intercept })
  const options = { directory: it.mirrorDirectory, trustedHosts: ['127.0.0.1'] }
  const child = updateElsewhere(options, it.repository)
  await asked
  expect((await readdir(it.mirrorDirectory)).filter(name => name.startsWith('repo1.git.new-'))).toHaveLength(
    1,
  )
  child.kill('SIGKILL')
  recover()
  await it.mirrors.update(it.repository)
  expect((await readdir(it.mirrorDirectory)).toSorted()).toEqual(['locks', 'repo1.git'])
  expect((await it.mirrors.resolveBranch('repo1', 'main')).commit).toBe(it.work.commit)
})

test('what a killed Git leaves in a mirror does not stop the next one', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  const mirror = it.mirrors.pathOf('repo1')
  const left = ['refs/heads/main.lock', 'HEAD.lock', 'objects/pack/tmp_pack_abc', 'objects/tmp_obj_abc']
  const old = new Date(Date.now() - 5_000)
  for (const name of left) {
    await writeFile(join(mirror, name), '')
    await utimes(join(mirror, name), old, old)
  }
  const next = await commit(it.work.path, { 'a.txt': 'a\n' })
  await it.push('main')
  await it.mirrors.update(it.repository)
  expect((await it.mirrors.resolveBranch('repo1', null)).commit).toBe(next)
  expect(await readdir(join(mirror, 'objects/pack'))).not.toContain('tmp_pack_abc')
})

test('a lock that a living Git may hold is respected', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  const mirror = it.mirrors.pathOf('repo1')
  const holder = spawn('git', ['cat-file', '--batch'], { cwd: mirror })
  onTestFinished(() => void holder.kill())
  holder.stdin.write('HEAD\n')
  await new Promise(resolve => holder.stdout.once('data', resolve))
  await writeFile(join(mirror, 'refs/heads/main.lock'), '')
  await commit(it.work.path, { 'a.txt': 'a\n' })
  await it.push('main')
  await expect(it.mirrors.update(it.repository)).rejects.toThrow()
  holder.kill()
  await new Promise(resolve => holder.once('exit', resolve))
  await it.mirrors.update(it.repository)
})

test('two processes update one mirror in turn', async () => {
  await using it = await setUpMirror()
  const options = { directory: it.mirrorDirectory, trustedHosts: ['127.0.0.1'] }
  const children = [updateElsewhere(options, it.repository), updateElsewhere(options, it.repository)]
  const exits = await Promise.all([
    ...children.map(child => new Promise(resolve => child.once('exit', resolve))),
    it.mirrors.update(it.repository),
  ])
  expect(exits).toEqual([0, 0, undefined])
  expect((await readdir(it.mirrorDirectory)).toSorted()).toEqual(['locks', 'repo1.git'])
})

test.skipIf(process.getuid?.() !== 0)(
  'a full disk is said to be full, and the half-made mirror is removed (needs root for a small file system)',
  async () => {
    await using small = await temporaryDirectory()
    await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small.path])
    try {
      await using it = await setUpMirror({ directory: small.path })
      await commit(it.work.path, {
        big: Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))
          .toString('base64')
          .repeat(1),
      })
      for (const name of Array.from({ length: 80 }, (_, index) => `big${index}`)) {
        await writeFile(join(it.work.path, name), crypto.getRandomValues(new Uint8Array(60_000)))
      }
      await commit(it.work.path, {})
      await it.push('main')
      await expect(it.mirrors.update(it.repository)).rejects.toMatchObject({ code: 'disk_full' })
      expect(await readdir(small.path)).toEqual(['locks'])
    } finally {
      await runCommand('umount', [small.path])
    }
  },
)

test('publishing over what another did at the upstream is refused with its reason', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  await it.push('main:job')
  const publication = { repository: it.repository, branch: 'job/1', commit: it.work.commit, expected: null }
  await expect(it.mirrors.publish(publication)).rejects.toMatchObject({
    code: 'push_rejected',
    message: expect.stringContaining('refused the push'),
  })
  await expect(it.mirrors.publish({ ...publication, branch: '-f' })).rejects.toMatchObject({
    code: 'branch_name_invalid',
  })
})

test("a hosted repository's branch moves by compare-and-swap", async () => {
  await using it = await setUpMirror()
  await it.mirrors.createHosted('repo2', { defaultBranch: 'main' })
  await it.mirrors.createHosted('repo2', { defaultBranch: 'main' })
  const repository = { id: 'repo2', url: null, credential: null }
  await it.mirrors.update(repository)
  await git(it.work.path, 'push', '--quiet', it.mirrors.pathOf('repo2'), 'main')
  const next = await commit(it.work.path, { 'a.txt': 'a\n' })
  await git(it.work.path, 'push', '--quiet', it.mirrors.pathOf('repo2'), 'main:other')
  const publication = { repository, branch: 'job/1', commit: it.work.commit, expected: null }
  expect(await it.mirrors.publish(publication)).toBe('published')
  expect(await it.mirrors.publish(publication)).toBe('already')
  await expect(it.mirrors.publish({ ...publication, commit: next })).rejects.toMatchObject({
    code: 'push_rejected',
  })
  expect(await it.mirrors.publish({ ...publication, commit: next, expected: it.work.commit })).toBe(
    'published',
  )
})

test('a removed repository is gone, and can be removed again', async () => {
  await using it = await setUpMirror()
  await it.mirrors.update(it.repository)
  expect(await it.mirrors.sizeBytes('repo1')).toBeGreaterThan(0)
  await it.mirrors.maintain('repo1')
  await it.mirrors.remove('repo1')
  await it.mirrors.remove('repo1')
  expect(await readdir(it.mirrorDirectory)).toEqual(['locks'])
  expect(await readdir(join(it.mirrorDirectory, 'locks'))).toEqual([])
  await expect(it.mirrors.update({ id: 'repo1', url: null, credential: null })).rejects.toMatchObject({
    code: 'repository_not_found',
  })
})

test('a diff shows renames and counts, runs nothing of the repository, and is cut when it is long', async () => {
  await using it = await setUpMirror()
  const marker = join(it.temporary.path, 'ran')
  const script = join(it.temporary.path, 'textconv')
  await writeFile(script, `#!/bin/sh\ntouch ${marker}\ncat "$1"\n`)
  await chmod(script, 0o755)
  await git(it.work.path, 'mv', 'README.md', 'LIESMICH.md')
  const head = await commit(it.work.path, {
    'ä.txt': 'one\ntwo\n',
    '.gitattributes': '* diff=evil filter=evil\n',
    'long.txt': 'line\n'.repeat(1000),
  })
  await it.push('main')
  await it.mirrors.update(it.repository)
  await git(it.mirrors.pathOf('repo1'), 'config', 'diff.evil.textconv', script)
  const diff = await it.mirrors.diff('repo1', it.work.commit, head, { maxBytes: 1_000_000 })
  expect(diff).toMatchObject({ filesChanged: 4, insertions: 1003, deletions: 0, truncated: false })
  expect(diff.text).toContain('rename to LIESMICH.md')
  expect(diff.text).toContain('+++ b/ä.txt')
  const cut = await it.mirrors.diff('repo1', it.work.commit, head, { maxBytes: 500 })
  expect(cut).toMatchObject({ filesChanged: 4, insertions: 1003, truncated: true })
  expect(cut.text).toMatch(/\n$/)
  expect(await it.mirrors.diff('repo1', head, head, { maxBytes: 500 })).toEqual({
    text: '',
    truncated: false,
    filesChanged: 0,
    insertions: 0,
    deletions: 0,
  })
  expect(await readdir(it.temporary.path)).not.toContain('ran')
  expect(await it.mirrors.log('repo1', it.work.commit, head, { limit: 10 })).toMatchObject([
    { id: head, subject: 'Change', authorName: 'Ada' },
  ])
})

test('Git knows nothing of the environment and settings of this machine', async () => {
  const { stdout } = await runGit(['config', '--list', '--show-scope'])
  expect(stdout.toString()).not.toMatch(/^(system|global|local)\t/m)
  const variables = await runGit(['-c', 'alias.variables=!env', 'variables'])
  expect(variables.stdout.toString()).not.toContain('VITEST')
  await expect(runGit(['fetch', '--', 'ext::sh -c id'])).rejects.toThrow()
})

/** The same update in a process of its own. */
function updateElsewhere(options: MirrorsOptions, repository: object) {
  const code = `
    import { createMirrors } from ${JSON.stringify(new URL('./mirrors.ts', import.meta.url).href)}
    await createMirrors(${JSON.stringify(options)}).update(${JSON.stringify(repository)})`
  return spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'ignore' })
}

function runCommand(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' })
    child.once('exit', code => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))))
  })
}

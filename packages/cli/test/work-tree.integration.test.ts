// `run` in a Git work tree, with real Git on both ends: HEAD goes to a hosted repository, the job's branch comes back.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Home, makeHome, runCli } from './cli.ts'
import { type Peer, type Play, startPeer, TOKEN } from './peer.ts'

const IDENTITY = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@x',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@x',
}
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', ...IDENTITY },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

async function commit(cwd: string, file: string, text: string): Promise<string> {
  await writeFile(join(cwd, file), text)
  git(cwd, 'add', '.')
  git(cwd, 'commit', '--quiet', '-m', `Change ${file}`)
  return git(cwd, 'rev-parse', 'HEAD')
}

interface Scene {
  peer: Peer
  home: Home
  /** A work tree called `my app` with one commit on `main`. */
  tree: string
  hosted: (name: string) => string
}

async function inScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'flowforge-git-'))
  await using peer = await startPeer({ gitRoot: join(root, 'hosted') })
  await using home = await makeHome(peer)
  const tree = join(root, 'my app')
  await mkdir(tree)
  git(tree, 'init', '--quiet', '--initial-branch=main')
  await commit(tree, 'a.txt', 'one\n')
  try {
    await act({ peer, home, tree, hosted: name => join(root, 'hosted/default', `${name}.git`) })
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** What a job does to a hosted repository: one commit on a branch of its own. */
const workOn =
  (repository: string) =>
  ({ job, succeed }: Play) => {
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], {
      cwd: repository,
      input: 'fixed\n',
      encoding: 'utf8',
    }).trim()
    const tree = execFileSync('git', ['mktree'], {
      cwd: repository,
      input: `100644 blob ${blob}\ta.txt\n`,
      encoding: 'utf8',
    }).trim()
    const head = git(repository, 'commit-tree', tree, '-p', job.baseBranch, '-m', 'Fix')
    git(repository, 'update-ref', `refs/heads/${job.branch}`, head)
    succeed({ headCommit: head })
  }

test('pushes HEAD, runs, and fetches the branch back to be merged', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    peer.story = workOn(hosted('my-app'))
    const { exitCode, stdout, stderr } = await runCli(home, ['run', 'Fix it', '--repo', '.'], { cwd: tree })
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(peer.repositories).toMatchObject([{ name: 'my-app', url: null }])
    expect(peer.submissions[0]).toMatchObject({ repositoryId: peer.repositories[0]?.id, baseBranch: 'main' })
    expect(git(hosted('my-app'), 'rev-parse', 'main')).toBe(git(tree, 'rev-parse', 'HEAD'))
    expect(stdout).toContain('Take it in with: git merge flowforge/1-task')
    git(tree, 'merge', '--quiet', 'flowforge/1-task')
    expect(await readFile(join(tree, 'a.txt'), 'utf8')).toBe('fixed\n')
    expect(git(tree, 'for-each-ref', 'refs/flowforge')).toBe('')
  }))

test('in a work tree it is the default, and the second run uses the same repository, whatever the folder is called', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    await mkdir(join(tree, 'deep'))
    await runCli(home, ['run', 'one', '--detach'], { cwd: join(tree, 'deep') })
    peer.repositories[0]!.name = 'renamed'
    const head = await commit(tree, 'b.txt', 'two\n')
    await runCli(home, ['run', 'two', '--detach'], { cwd: tree })
    expect(peer.repositories).toHaveLength(1)
    expect(git(hosted('renamed'), 'rev-parse', 'main')).toBe(head)
  }))

test('a rewritten history and a detached HEAD are pushed, too', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    await runCli(home, ['run', 'one', '--detach'], { cwd: tree })
    git(tree, 'commit', '--quiet', '--amend', '-m', 'Another first commit')
    const amended = git(tree, 'rev-parse', 'HEAD')
    expect((await runCli(home, ['run', 'two', '--detach'], { cwd: tree })).exitCode).toBe(0)
    expect(git(hosted('my-app'), 'rev-parse', 'main')).toBe(amended)
    git(tree, 'checkout', '--quiet', '--detach')
    await runCli(home, ['run', 'three', '--detach'], { cwd: tree })
    expect(peer.submissions[2]?.baseBranch).toBe(`flowforge-head-${amended.slice(0, 8)}`)
  }))

test('another project of the same name gets a repository of its own', () =>
  inScene(async ({ peer, home, tree }) => {
    await runCli(home, ['run', 'one', '--detach'], { cwd: tree })
    const other = join(home.path, 'my app')
    await mkdir(other)
    git(other, 'init', '--quiet', '--initial-branch=main')
    await commit(other, 'x.txt', 'unrelated\n')
    await runCli(home, ['run', 'two', '--detach'], { cwd: other })
    expect(peer.repositories.map(each => each.name)).toEqual(['my-app', 'my-app-2'])
    // A clone of the first shares its history and so its repository.
    const clone = join(home.path, 'clones/my app')
    git(home.path, 'clone', '--quiet', tree, clone)
    await runCli(home, ['run', 'three', '--detach'], { cwd: clone })
    expect(peer.submissions[2]?.repositoryId).toBe(peer.repositories[0]?.id)
  }))

test('a branch with commits of its own, or checked out, is left alone', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    const branch = 'fix'
    git(tree, 'checkout', '--quiet', '-b', branch)
    const own = await commit(tree, 'mine.txt', 'mine\n')
    git(tree, 'checkout', '--quiet', 'main')
    peer.story = workOn(hosted('my-app'))
    const diverged = await runCli(home, ['run', 'x', '--branch', branch], { cwd: tree })
    expect(diverged.stdout).toContain(
      'Your branch fix has commits of its own; the result is at refs/flowforge/jobs/1.',
    )
    expect(git(tree, 'rev-parse', branch)).toBe(own)
    git(tree, 'checkout', '--quiet', '-B', 'other', 'main')
    const checkedOut = await runCli(home, ['run', 'x', '--branch', 'other', '--base', 'main'], { cwd: tree })
    expect(checkedOut.stdout).toContain(
      'Your branch other is checked out; the result is at refs/flowforge/jobs/2.',
    )
    expect(git(tree, 'status', '--porcelain')).toBe('')
  }))

test('says what is not there: no commits, no work tree; and what is left out', () =>
  inScene(async ({ peer, home, tree }) => {
    const empty = join(home.path, 'empty')
    git(home.path, 'init', '--quiet', empty)
    expect(await runCli(home, ['run', 'x', '--repo', '.'], { cwd: empty })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has no commits yet.\nMake one first'),
    })
    expect(await runCli(home, ['run', 'x', '--repo', '.'])).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining('is not in a Git work tree'),
    })
    await writeFile(join(tree, 'a.txt'), 'not committed\n')
    const { stderr } = await runCli(home, ['run', 'x', '--detach'], { cwd: tree })
    expect(stderr).toBe('Note: uncommitted changes are not included; the job starts from the last commit.\n')
    expect(peer.submissions).toHaveLength(1)
  }))

test('the key is in no argument of git, in no config of the work tree, and reaches no credential helper', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    peer.story = workOn(hosted('my-app'))
    const trace = join(home.path, 'trace')
    const stolen = join(home.path, 'stolen')
    const helper = join(home.path, 'helper')
    await writeFile(helper, `#!/bin/sh\ncat >> ${stolen}\n`, { mode: 0o755 })
    git(tree, 'config', 'credential.helper', helper)
    const environment = { GIT_TRACE: trace, GIT_TRACE2_EVENT: `${trace}2` }
    expect((await runCli(home, ['run', 'x'], { cwd: tree, environment })).exitCode).toBe(0)
    const told = [
      await readFile(trace, 'utf8'),
      await readFile(`${trace}2`, 'utf8'),
      await readFile(join(tree, '.git/config'), 'utf8'),
    ].join('')
    expect(told).toContain('push')
    for (const secret of [TOKEN, Buffer.from(`flowforge:${TOKEN}`).toString('base64')]) {
      expect(told).not.toContain(secret)
    }
    await expect(readFile(stolen)).rejects.toThrow('ENOENT')
  }))

test('repo push makes the hosted repository and fills it', () =>
  inScene(async ({ peer, home, tree, hosted }) => {
    const { exitCode, stdout } = await runCli(home, ['repo', 'push', 'sample', tree])
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `Pushed main (${git(tree, 'rev-parse', '--short=7', 'HEAD')}) to sample.\n`,
    })
    expect(git(hosted('sample'), 'rev-parse', 'main')).toBe(git(tree, 'rev-parse', 'HEAD'))
    peer.repositories.push({
      ...peer.repositories[0]!,
      id: 'r2',
      name: 'web',
      url: 'https://example.org/web.git',
    })
    expect(await runCli(home, ['repo', 'push', 'web', tree])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('web is not a hosted repository'),
    })
  }))

test('a refused push is one sentence', () =>
  inScene(async ({ home, tree, hosted }) => {
    await runCli(home, ['repo', 'push', 'sample', tree])
    await writeFile(
      join(hosted('sample'), 'hooks/pre-receive'),
      '#!/bin/sh\necho "the disk is full" >&2; exit 1\n',
      { mode: 0o755 },
    )
    await commit(tree, 'b.txt', 'two\n')
    const { exitCode, stderr } = await runCli(home, ['repo', 'push', 'sample', tree])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^The push to .*sample\.git failed: .*\n$/)
  }))

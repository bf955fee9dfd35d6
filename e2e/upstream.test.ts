// A repository that lives at a Git host, over HTTP with a token: fetched before the job, published to after it.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Repository } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git, hostRepository, startGitHost, workTree } from '../packages/server/src/git/test-host.ts'
import { filesHolding } from './leftovers.ts'
import { makeDirectory, type System, startSystem } from './system.ts'

const TOKEN = 'git-canary-5c1f27'
let system: System
let host: Awaited<ReturnType<typeof startGitHost>>
let hostDirectory: string
let closedPort: string

beforeAll(async () => {
  hostDirectory = await makeDirectory()
  host = await startGitHost({ directory: hostDirectory, password: TOKEN })
  const gone = await startGitHost({ directory: hostDirectory })
  closedPort = gone.origin
  await gone[Symbol.asyncDispose]()
  system = await startSystem({
    environment: { FLOWFORGE_TRUSTED_HOSTS: '127.0.0.1', FLOWFORGE_CONCURRENCY: '3' },
  })
})
afterAll(async () => {
  await system.stop()
  await host[Symbol.asyncDispose]()
  await rm(hostDirectory, { recursive: true, force: true })
})

/** A repository at the host, and FlowForge's knowledge of it. */
async function upstream(
  name: string,
  token: string | null = TOKEN,
): Promise<{ repository: Repository; bare: string }> {
  const tree = join(system.directory, `tree-${name}`)
  await mkdir(tree)
  const { path } = await workTree(tree)
  const bare = await hostRepository(hostDirectory, name, path)
  const repository = await system.flowforge.repositories.create({
    name,
    url: host.url(name),
    ...(token === null ? {} : { credential: { type: 'token', token } }),
  })
  return { repository, bare }
}

describe.concurrent('a job on it', () => {
  it('publishes its branch there', async () => {
    const { repository, bare } = await upstream('published')
    const job = await system.run({ repositoryId: repository.id, task: 'Write a greeting' })
    expect(job).toMatchObject({ state: 'succeeded' })
    expect(await git(bare, 'rev-parse', `refs/heads/${job.branch}`)).toBe(job.headCommit)
    const pushes = (await system.events(job)).filter(event => event.type === 'git.pushed')
    expect(pushes.map(event => event.data.upstream)).toEqual([false, true])
  })

  it('starts from what the host has now, not from what it had', async () => {
    const { repository, bare } = await upstream('moving')
    await system.run({ repositoryId: repository.id, task: 'Look [scenario: no-change]' })
    const clone = join(system.directory, 'moving-clone')
    await git(system.directory, 'clone', '--quiet', bare, clone)
    const newest = await commit(clone, { 'new.txt': 'new\n' })
    await git(clone, 'push', '--quiet', 'origin', 'main')
    const job = await system.run({ repositoryId: repository.id, task: 'Write a greeting' })
    expect(job).toMatchObject({ state: 'succeeded', baseCommit: newest })
  })

  it('fails as git_auth when the token is refused', async () => {
    const { repository } = await upstream('closed', 'git-canary-wrong')
    const job = await system.run({ repositoryId: repository.id, task: 'Do it' })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'git_auth' } })
    expect(JSON.stringify([job, await system.events(job)])).not.toContain('git-canary')
  })

  it('fails as git_unreachable when nobody answers', async () => {
    const { id } = await system.flowforge.repositories.create({ name: 'away', url: `${closedPort}/away.git` })
    const job = await system.run({ repositoryId: id, task: 'Do it', maxAttempts: 1 })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'git_unreachable' } })
  })

  it('fails as push_rejected when somebody else has the branch, and leaves theirs as it is', async () => {
    const { repository, bare } = await upstream('taken')
    await git(bare, 'branch', 'mine', 'main')
    const before = await git(bare, 'rev-parse', 'mine')
    const job = await system.run({ repositoryId: repository.id, task: 'Write a greeting', branch: 'mine' })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'push_rejected' } })
    expect(await git(bare, 'rev-parse', 'mine')).toBe(before)
  })
})

describe('what is no address of a repository', () => {
  it.each([
    ['an option', '-uall'],
    ['a program', 'ext::sh -c whoami'],
    ['a file', 'file:///etc'],
    ['two lines', 'https://example.org/a\n.git'],
    ['an option of ssh', 'ssh://-oProxyCommand=x/y'],
  ])('%s is refused', async (name, url) => {
    const adding = system.flowforge.repositories.create({ name: name.replaceAll(' ', '-'), url })
    await expect(adding).rejects.toMatchObject({ status: 422, code: 'repository_url_invalid' })
  })

  it('a private address that nobody has trusted is refused', async () => {
    const adding = system.flowforge.repositories.create({ name: 'private', url: 'http://10.1.2.3/x.git' })
    await expect(adding).rejects.toMatchObject({ status: 422, code: 'address_not_allowed' })
  })
})

it('the token lies nowhere in the clear', async () => {
  await upstream('sealed')
  expect(await filesHolding(system.directory, TOKEN)).toEqual([])
})

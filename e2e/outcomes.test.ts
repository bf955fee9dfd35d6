// How a job can end: with work that is proven, with none, or with a reason that says what to do.
import { readFile } from 'node:fs/promises'
import type { Job } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import { branchesOf, cloneOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { FLOWFORGE_CONCURRENCY: '3' } })
})
afterAll(() => system.stop())

const VERIFY = ['grep -qx 42 answer.txt']

describe.concurrent('the repository’s own check', () => {
  it('is given back to Claude when it fails, and counts in a fresh container', async () => {
    const repository = await hostedRepository(system)
    const task = 'Answer [scenario: failing-verify-then-fix]'
    const job = await system.run({ repositoryId: repository.id, task, verify: VERIFY })
    expect(job).toMatchObject({ state: 'succeeded', result: { verify: [{ exitCode: 0 }] } })
    const rounds = (await system.events(job)).filter(event => event.type === 'verify.finished')
    expect(rounds.map(({ data }) => [data.round, data.clean, data.exitCode])).toEqual([
      [1, false, expect.not.toBeOneOf([0])],
      [2, false, 0],
      [0, true, 0],
    ])
    const clone = await cloneOf(system, repository.url, job.branch)
    expect(await git(clone, 'show', 'HEAD:answer.txt')).toBe('42')
  })

  it('fails the job when it never passes; what was done can be looked at', async () => {
    const repository = await hostedRepository(system)
    const task = 'Answer [scenario: failing-verify-always]'
    const job = await system.run({ repositoryId: repository.id, task, verify: VERIFY })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'verify_failed' } })
    expect(job.reason!.message).toContain(VERIFY[0])
    expect(job.headCommit).toMatch(/^[0-9a-f]{40}$/)
    expect((await system.flowforge.jobs.diff(job.id)).diff).toContain('+41')
    expect([...(await branchesOf(system, repository.url)).keys()]).toEqual(['main'])
  })
})

describe.concurrent('what Claude leaves in the repository', () => {
  it('nothing: the job succeeds without a branch', async () => {
    const repository = await hostedRepository(system)
    const job = await system.run({ repositoryId: repository.id, task: 'Look [scenario: no-change]' })
    expect(job).toMatchObject({ state: 'succeeded', result: { filesChanged: 0 } })
    expect(job.headCommit).toBeUndefined()
    expect([...(await branchesOf(system, repository.url)).keys()]).toEqual(['main'])
  })

  it('a commit of its own and loose changes: both are on the branch, on top of the base', async () => {
    const repository = await hostedRepository(system)
    const job = await system.run({ repositoryId: repository.id, task: 'Commit [scenario: commit-itself]' })
    expect(job).toMatchObject({ state: 'succeeded', result: { filesChanged: 2 } })
    const clone = await cloneOf(system, repository.url, job.branch)
    const subjects = await git(clone, 'log', '--format=%s', `${repository.commit}..HEAD`)
    expect(subjects.split('\n')).toHaveLength(2)
    expect(subjects.split('\n')[1]).toBe('Add committed.txt')
  })
})

describe.concurrent('a base that is not there', () => {
  it('a branch: the reason names those that are', async () => {
    const repository = await hostedRepository(system)
    const job = await system.run({ repositoryId: repository.id, task: 'Do it', baseBranch: 'develop' })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'base_not_found' } })
    expect(job.reason!.message).toMatch(/develop.*main/s)
    expect(job.reason!.next).toBeTruthy()
  })

  it('a repository without commits: the reason says so', async () => {
    const { id } = await system.flowforge.repositories.create({ name: 'empty' })
    const job = await system.run({ repositoryId: id, task: 'Do it' })
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'base_not_found' } })
    expect(job.reason!.message).toContain('no commits')
  })
})

describe.concurrent('output that does harm elsewhere', () => {
  it('bytes that are no text are shown harmlessly', async () => {
    const repository = await hostedRepository(system)
    const job = await system.run({ repositoryId: repository.id, task: 'Print [scenario: binary]' })
    expect(job.state).toBe('succeeded')
    const { stdout } = await system.cli(['job', 'logs', String(job.number)]).finished
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stdout).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u202e]/)
    expect(stdout).toContain('clipboard:')
  })

  it('a line of 100 MB does not fill the server’s memory or the log', async () => {
    const job = await runQuietly('Print [scenario: huge-output]')
    const text = JSON.stringify(await system.events(job))
    expect(text.length).toBeLessThan(4_000_000)
    expect(await peakMegabytes(system.server().pid)).toBeLessThan(400)
  })

  it('nor do a million lines', async () => {
    const job = await runQuietly('Print [scenario: many-lines]')
    expect(JSON.stringify(await system.events(job)).length).toBeLessThan(4_000_000)
    expect(await peakMegabytes(system.server().pid)).toBeLessThan(400)
  })
})

async function runQuietly(task: string): Promise<Job> {
  const repository = await hostedRepository(system)
  const job = await system.run({ repositoryId: repository.id, task })
  expect(job).toMatchObject({ state: 'succeeded' })
  return job
}

/** The most memory that the process has had resident since its start: proc_pid_status(5). */
async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)![1]) / 1024
}

describe.concurrent('what is refused before there is a job', () => {
  it('an empty task, and one of more than a megabyte', async () => {
    const { id } = await hostedRepository(system)
    await expect(system.submit({ repositoryId: id, task: '  ' })).rejects.toMatchObject({ status: 422 })
    const task = 'x'.repeat(2_000_000)
    await expect(system.submit({ repositoryId: id, task })).rejects.toMatchObject({
      status: expect.toBeOneOf([413, 422]),
    })
  })

  it('an unknown repository, and a branch name that is none', async () => {
    const task = 'Do it'
    const nowhere = '00000000-0000-7000-8000-000000000000'
    await expect(system.submit({ repositoryId: nowhere, task })).rejects.toMatchObject({
      code: 'repository_not_found',
    })
    const { id } = await hostedRepository(system)
    for (const branch of ['-u', '--upload-pack=x', 'a b', 'a\nb', 'refs/heads/x', 'a..b'])
      await expect(system.submit({ repositoryId: id, task, branch })).rejects.toMatchObject({ status: 422 })
  })
})

it('a model that does not exist ends the job with a reason', async () => {
  const repository = await hostedRepository(system)
  const job = await system.run({ repositoryId: repository.id, task: 'Do it', model: 'claude-nonsense-1' })
  expect(job).toMatchObject({ state: 'failed', reason: { code: 'agent_error' } })
  expect(job.reason!.message).toMatch(/model/i)
})

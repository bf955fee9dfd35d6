// The main job as a new user has it: the command line in a work tree, until the branch is back.
import type { Job, JobDiff, JobEvent } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import type { Finished } from './cli.ts'
import { makeWorkTree } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
let project: string
beforeAll(async () => {
  system = await startSystem()
  project = (await makeWorkTree(system)).path
})
afterAll(() => system.stop())

const cli = (...args: string[]): Promise<Finished> => system.cli(args, { cwd: project }).finished
const json = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await cli(...args, '--json')).stdout) as T

describe('a task on the work tree that one stands in', () => {
  let ran: Finished
  let job: Job
  beforeAll(async () => {
    ran = await cli('run', 'Write a greeting', '--repo', '.', '--verify', 'test -s hello.txt')
    job = await json<Job>('job', 'show', '1')
  })

  it('succeeds, says what it did, and says that no Claude was there', () => {
    expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toContain('Job #1 succeeded')
    expect(ran.stdout).toContain('scripted model')
    expect(ran.stdout).toContain('hello.txt')
    expect(job).toMatchObject({ state: 'succeeded', scriptedModel: true, attempt: 1 })
  })

  it('brings the branch back and leaves what is checked out alone', async () => {
    expect(ran.stdout).toContain(`Fetched branch ${job.branch}`)
    expect(await git(project, 'rev-parse', job.branch)).toBe(job.headCommit)
    expect(await git(project, 'diff', '--name-only', `main..${job.branch}`)).toBe('hello.txt')
    expect(await git(project, 'symbolic-ref', '--short', 'HEAD')).toBe('main')
    expect(await git(project, 'status', '--porcelain')).toBe('')
  })

  it('shows the diff, which Git can apply', async () => {
    const { stdout } = await cli('job', 'diff', '1')
    expect(stdout).toContain('+Hello from the scripted model')
    await system.cli(['job', 'diff', '1', '--json'], { cwd: project }).finished.then(({ stdout: text }) => {
      const diff = JSON.parse(text) as JobDiff
      expect(diff).toMatchObject({ base: job.baseCommit, head: job.headCommit, truncated: false })
      expect(diff.stat).toEqual({ filesChanged: 1, insertions: 1, deletions: 0 })
    })
    expect(job.result).toMatchObject({ filesChanged: 1, insertions: 1, deletions: 0 })
  })

  it('was verified in a fresh container, on the pushed commit', async () => {
    expect(job.result?.verify).toMatchObject([{ command: 'test -s hello.txt', exitCode: 0 }])
    const events = await system.events(job)
    const cleanly = events.find(event => event.type === 'verify.finished' && event.data.clean)
    const pushed = events.find(event => event.type === 'git.pushed')
    expect(cleanly!.seq).toBeGreaterThan(pushed!.seq!)
  })

  it('is counted as the model counted it', async () => {
    const usage = (await (await fetch(`${system.model.url}/_/usage`)).json()) as Record<string, number>
    expect(job.tokens).toEqual({
      input: usage.inputTokens,
      output: usage.outputTokens,
      cacheRead: usage.cacheReadTokens,
      cacheWrite: usage.cacheWriteTokens,
    })
    expect(job.tokens.output).toBeGreaterThan(0)
    expect(job.costUsd).toBeGreaterThan(0)
  })

  it('is in the list, and its log is complete and numbered without gaps', async () => {
    expect(await json<Job[]>('job', 'list')).toMatchObject([{ number: 1, state: 'succeeded' }])
    const lines = (await cli('job', 'logs', '1', '--json')).stdout.trimEnd().split('\n')
    const events = lines.map(line => JSON.parse(line) as JobEvent)
    expect(events.map(event => event.seq)).toEqual(events.map((_, i) => i + 1))
    const types = events.map(event => event.type)
    for (const type of [
      'job.created',
      'git.cloned',
      'claude.message',
      'claude.tool.finished',
      'claude.usage',
      'git.pushed',
    ])
      expect(types).toContain(type)
    expect(types.at(-1)).toBe('job.succeeded')
    expect((await cli('job', 'logs', '1')).stdout).toContain('Succeeded')
  })
})

it('`run --json` prints the job alone on stdout', async () => {
  const ran = await cli('run', 'Write two files [scenario: two-files]', '--json')
  expect(ran.exitCode, ran.stderr).toBe(0)
  expect(JSON.parse(ran.stdout)).toMatchObject({ state: 'succeeded', result: { filesChanged: 2 } })
  expect(ran.stderr).toContain('scripted model')
})

it('`run --detach` returns at once, and `job logs -f` ends as the job does', async () => {
  const submitted = await cli('run', 'Look around [scenario: no-change]', '--detach', '--json')
  const { number } = JSON.parse(submitted.stdout) as Job
  const followed = await cli('job', 'logs', '-f', String(number))
  expect(followed.exitCode).toBe(0)
  expect(followed.stdout).toContain('no changes')
})

it('what the user got wrong is said in a sentence, with the exit code for it', async () => {
  expect(await cli('run', ' ')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('empty') })
  const unknown = await cli('run', 'Do it', '--repo', 'nowhere')
  expect(unknown.exitCode).toBe(1)
  expect(unknown.stderr).toContain('nowhere')
  expect(await cli('job', 'show', '999')).toMatchObject({ exitCode: 1 })
  const stranger = system.cli(['job', 'list', '--token-stdin'], { input: 'ffk_wrong' })
  expect(await stranger.finished).toMatchObject({ exitCode: 4, stdout: '' })
})

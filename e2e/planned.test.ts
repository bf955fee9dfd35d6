// Work that is planned, with real containers: one job goes on from another's result, and a result is given again.
import type { Job } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import { branchesOf, cloneOf, type HostedRepository, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
let repository: HostedRepository
beforeAll(async () => {
  system = await startSystem()
  repository = await hostedRepository(system)
})
afterAll(() => system.stop())

describe('two jobs of a batch, of which one starts from the result of the other', () => {
  let jobs: Job[]
  beforeAll(async () => {
    const repositoryId = repository.id
    const submitted = await system.flowforge.jobs.createBatch([
      {
        repositoryId,
        task: 'Go on. [scenario: two-files]',
        baseFrom: 'greeting',
        verify: ['test -s hello.txt'],
      },
      { repositoryId, task: 'Write a greeting', key: 'greeting' },
    ])
    expect(submitted.map(({ state }) => state)).toEqual(['pending', 'queued'])
    jobs = await Promise.all(submitted.map(({ id }) => system.untilFinished({ id })))
  })

  it('run one after the other and build on each other', async () => {
    const [next, greeting] = jobs
    expect([next!.state, greeting!.state], next!.reason?.message).toEqual(['succeeded', 'succeeded'])
    expect(next).toMatchObject({ baseBranch: greeting!.branch, baseCommit: greeting!.headCommit })
    expect(next!.result).toMatchObject({ filesChanged: 2 })
    const clone = await cloneOf(system, repository.url, next!.branch)
    expect((await git(clone, 'ls-files')).split('\n')).toEqual(
      expect.arrayContaining(['first.txt', 'hello.txt', 'second.txt']),
    )
  })

  it('leave a result that is given again at once, on a branch of its own', async () => {
    const greeting = jobs[1]!
    const asked = system.model.requests().length
    const { id } = await system.flowforge.jobs.create({
      repositoryId: repository.id,
      task: 'Write a greeting',
      cache: true,
    })
    const again = await system.untilFinished({ id })
    expect(again).toMatchObject({
      state: 'succeeded',
      cachedFrom: greeting.id,
      cachedFromNumber: greeting.number,
      headCommit: greeting.headCommit,
      costUsd: 0,
      result: greeting.result,
    })
    expect(system.model.requests()).toHaveLength(asked)
    const branches = await branchesOf(system, repository.url)
    expect(branches.get(again.branch)).toBe(greeting.headCommit)
    expect((await system.flowforge.jobs.diff(id)).diff).toContain('+Hello from the scripted model')
    const { stdout } = await system.cli(['job', 'show', String(again.number)]).finished
    expect(stdout).toContain(`job #${greeting.number}`)
  })
})

// A person interrupts Claude at work: what it has done so far arrives on the branch.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { branchesOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

const TASK =
  'Wait [scenario: run-script]\n```sh\necho half > half.txt; sleep 100; echo whole > whole.txt\n```'

it('flowforge job interrupt: the turn ends, and half of the work is pushed', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK })
  await system.untilEvent(job, 'claude.tool.started')
  const began = performance.now()
  expect(await system.cli(['job', 'interrupt', String(job.number)]).finished).toMatchObject({ exitCode: 0 })
  const ended = await system.untilFinished(job)
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(ended).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
  expect((await branchesOf(system, repository.url)).get(ended.branch)).toBe(ended.headCommit)
})

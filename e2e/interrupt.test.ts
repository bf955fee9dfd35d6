// A person interrupts Claude at work: what it has done so far arrives on the branch.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { containers } from './leftovers.ts'
import { branchesOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { FLOWFORGE_SPARE_CONTAINERS: '0' } })
})
afterAll(() => system.stop())

const TASK =
  'Wait [scenario: run-script]\n```sh\necho half > half.txt; sleep 100; echo whole > whole.txt\n```'

/** In the container, where the command has come to its sleep. */
const hasHalf = async (): Promise<boolean> => {
  const [line] = await containers(system.directory)
  const id = line?.split(' ')[1] ?? ''
  const look = promisify(execFile)('docker', ['exec', id, 'test', '-f', '/workspace/repository/half.txt'])
  return look.then(
    () => true,
    () => false,
  )
}

it('flowforge job interrupt: the turn ends, and half of the work is pushed', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK })
  await system.untilEvent(job, 'claude.tool.started')
  // Told a moment before the command runs.
  await expect.poll(hasHalf, { timeout: 15_000 }).toBe(true)
  const began = performance.now()
  expect(await system.cli(['job', 'interrupt', String(job.number)]).finished).toMatchObject({ exitCode: 0 })
  const ended = await system.untilFinished(job)
  expect(performance.now() - began).toBeLessThan(30_000)
  expect(ended).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
  expect((await branchesOf(system, repository.url)).get(ended.branch)).toBe(ended.headCommit)
})

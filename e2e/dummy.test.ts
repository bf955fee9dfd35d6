// The dummy executor in a whole system: its containers outlive the worker, as Docker's do, and push with a real git.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import { branchesOf, cloneOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ environment: { FLOWFORGE_EXECUTOR: 'dummy', FLOWFORGE_LEASE_SECONDS: '5' } })
})
afterAll(() => system.stop())

it.each([
  'SIGKILL',
  'SIGTERM',
] as const)('after %s of the worker its dummy is adopted, and pushes once', async signal => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: 'Count. [dummy: push 4]' })
  await system.untilEvent(job, 'log')
  system.server().kill(signal)
  await system.server().ended
  await system.startAgain()
  const ended = await system.untilFinished(job)
  expect(ended).toMatchObject({ state: 'succeeded', attempt: 1, result: { filesChanged: 1 } })
  const events = await system.events(job)
  expect(events.map(event => event.seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.filter(event => event.type === 'attempt.adopted')).toHaveLength(1)
  expect(events.filter(event => event.type === 'log')).toHaveLength(40)
  expect((await branchesOf(system, repository.url)).get(ended.branch)).toBe(ended.headCommit)
  const clone = await cloneOf(system, repository.url, ended.branch)
  expect(await git(clone, 'rev-list', '--count', `${repository.commit}..HEAD`)).toBe('1')
})

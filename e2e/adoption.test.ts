// The worker goes, by kill -9 or by SIGTERM; the container with real Claude Code in it stays, and the next worker goes on with it.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { containers } from './leftovers.ts'
import { branchesOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    environment: { FLOWFORGE_LEASE_SECONDS: '30', FLOWFORGE_SPARE_CONTAINERS: '0' },
  })
})
afterAll(() => system.stop())

const TASK =
  'Count [scenario: run-script]\n```sh\nfor i in $(seq 12); do echo $i; sleep 0.5; done; echo $i > counted.txt\n```'
const idsOf = (found: string[]) => found.map(line => line.split(' ')[1])

it.each([
  'SIGKILL',
  'SIGTERM',
] as const)('after %s the container is adopted and its work arrives', async signal => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK })
  await system.untilEvent(job, 'claude.tool.started')
  const before = idsOf(await containers(system.directory))
  expect(before).toHaveLength(1)

  system.server().kill(signal)
  await system.server().ended
  if (signal === 'SIGTERM')
    expect(system.server().output()).toMatch(/^1 job goes on in its container: start/m)
  expect(idsOf(await containers(system.directory))).toEqual(before)
  const began = performance.now()
  await system.startAgain()
  await system.untilEvent(job, 'attempt.adopted')
  // Nobody waits for the lease to run out.
  expect(performance.now() - began).toBeLessThan(20_000)
  expect(idsOf(await containers(system.directory))).toEqual(before)

  const ended = await system.untilFinished(job)
  expect(ended).toMatchObject({ state: 'succeeded', attempt: 1, result: { filesChanged: 1 } })
  expect((await branchesOf(system, repository.url)).get(ended.branch)).toBe(ended.headCommit)
  const types = (await system.events(job)).map(event => event.type)
  expect(types.filter(type => type === 'attempt.started')).toHaveLength(1)
  expect(types.filter(type => type === 'claude.tool.started')).toHaveLength(
    types.filter(type => type === 'claude.tool.finished').length,
  )
  await expect.poll(() => containers(system.directory), { timeout: 15_000 }).toEqual([])
})

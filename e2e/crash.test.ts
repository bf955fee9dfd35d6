// A server that is killed in the middle of a job: the job ends all the same, once, and nothing is left lying about.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { containers } from './leftovers.ts'
import { branchesOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    environment: { FLOWFORGE_LEASE_SECONDS: '5', FLOWFORGE_SPARE_CONTAINERS: '0' },
  })
})
afterAll(() => system.stop())

const TERMINAL = ['job.succeeded', 'job.failed', 'job.cancelled']
/** Counts to the end of the job's own patience: long enough to be killed in, short enough to be run twice. */
const TASK =
  'Count [scenario: run-script]\n```sh\nfor i in $(seq 12); do echo $i; sleep 0.5; done; echo $i > counted.txt\n```'

it('killed mid-run and started again: one end, one branch, no orphan', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK })
  await system.untilEvent(job, 'claude.tool.started')
  const before = await containers(system.directory)
  expect(before).toHaveLength(1)
  const watcher = system.cli(['job', 'logs', '-f', String(job.number), '--json'])
  await watcher.said('claude.tool.started')

  system.server().kill('SIGKILL')
  await system.server().ended
  await system.startAgain()

  const ended = await system.untilFinished(job)
  expect(ended).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
  const events = await system.events(job)
  expect(events.map(event => event.seq)).toEqual(events.map((_, i) => i + 1))
  expect(events.filter(event => TERMINAL.includes(event.type))).toHaveLength(1)
  expect((await branchesOf(system, repository.url)).get(ended.branch)).toBe(ended.headCommit)
  // The watcher has come back by itself, and saw each event once.
  const seen = (await watcher.finished).stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).seq)
  expect(seen).toEqual(events.map(event => event.seq))
  await expect.poll(() => containers(system.directory), { timeout: 15_000 }).toEqual([])
})

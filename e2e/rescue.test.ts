// What an agent leaves when its attempt breaks off is saved: its own commits, and what it had not committed.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import { containers, leftovers } from './leftovers.ts'
import { branchesOf, cloneOf, type HostedRepository, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    environment: { FLOWFORGE_LEASE_SECONDS: '5', FLOWFORGE_SPARE_CONTAINERS: '0' },
  })
})
afterAll(() => system.stop())

const TASK = `Leave something [scenario: run-script]
\`\`\`sh
echo one > committed.txt; git add committed.txt; git commit -qm "By the agent"; echo two > loose.txt; echo ready; sleep 100
\`\`\``

const savedWork = async (repository: HostedRepository, job: { id: string; number: number }) => {
  const saved = await system.untilEvent(job, 'git.rescued')
  const { commit } = saved.data as { commit: string }
  const clone = await cloneOf(system, repository.url, 'main')
  await git(clone, 'fetch', '--quiet', repository.url, commit)
  return {
    commit,
    subjects: (await git(clone, 'log', '--format=%s', `main..${commit}`)).split('\n'),
    files: (await git(clone, 'diff', '--name-only', 'main', commit)).split('\n'),
  }
}
const isReady = (job: { id: string }) => system.untilEvent(job, 'claude.tool.started')
const whatWasLeft = {
  subjects: ['Uncommitted work, saved by FlowForge when the attempt broke off', 'By the agent'],
  files: ['committed.txt', 'loose.txt'],
}

it('when time runs out', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK, timeoutSeconds: 30 })
  const ended = await system.untilFinished(job)
  expect(ended).toMatchObject({ state: 'failed', reason: { code: 'timeout' } })
  const saved = await savedWork(repository, job)
  expect(saved).toMatchObject(whatWasLeft)
  // Nothing was published for it.
  expect([...(await branchesOf(system, repository.url)).keys()]).toEqual(['main'])

  const [attempt] = await system.flowforge.jobs.attempts(job.id)
  expect(attempt).toMatchObject({
    failure: 'timeout',
    rescuedCommit: saved.commit,
    rescueRef: `refs/flowforge/jobs/${job.id}/rescue/1`,
  })
  const { stdout } = await system.cli(['job', 'diff', String(job.number), '--attempt', '1']).finished
  expect(stdout).toContain('+++ b/loose.txt')
  await expect.poll(() => containers(system.directory), { timeout: 15_000 }).toEqual([])
})

it('when the container is killed', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK, maxAttempts: 1 })
  await isReady(job)
  const [container] = await containers(system.directory)
  const inside = (program: string) =>
    promisify(execFile)('docker', ['exec', container!.split(' ')[1]!, 'sh', '-c', program])
  await expect
    .poll(
      () =>
        inside('test -s /workspace/repository/loose.txt').then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true)
  await promisify(execFile)('docker', ['kill', container!.split(' ')[1]!])
  const ended = await system.untilFinished(job)
  expect(ended).toMatchObject({ state: 'failed', reason: { code: 'agent_crashed' } })
  expect(await savedWork(repository, job)).toMatchObject(whatWasLeft)
})

it('when a cancel comes, nothing is saved, and nobody waits for it', async () => {
  const repository = await hostedRepository(system)
  const job = await system.submit({ repositoryId: repository.id, task: TASK })
  await isReady(job)
  await system.flowforge.jobs.cancel(job.id)
  const ended = await system.untilFinished(job)
  expect(ended.state).toBe('cancelled')
  expect((await system.events(job)).map(event => event.type)).not.toContain('git.rescued')
  await expect
    .poll(async () => (await leftovers(join(system.directory, 'd', 'workspaces'))).length, {
      timeout: 15_000,
    })
    .toBe(0)
})

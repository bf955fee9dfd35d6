// Watching and stopping: a watcher may come, go and die; the job and its story don't care.
import type { Job, JobEvent } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readScenarios } from '../packages/scripted-model/src/scenario.ts'
import { SCENARIOS_DIRECTORY } from '../packages/scripted-model/src/server.ts'
import { containers } from './leftovers.ts'
import { makeWorkTree } from './repositories.ts'
import { type System, startSystem } from './system.ts'

/** Slow enough to come and go meanwhile. */
const UNHURRIED = {
  name: 'unhurried',
  fixedPace: true,
  steps: [
    { text: 'One.', tools: [{ name: 'Bash', input: { command: 'echo one > one.txt' } }] },
    {
      tokensPerSecond: 12,
      text: 'I take my time, so that somebody can go away and come back while I am talking about it.',
    },
    { text: 'Two.' },
  ],
}

let system: System
let project: string
beforeAll(async () => {
  const scenarios = [...(await readScenarios(SCENARIOS_DIRECTORY)), UNHURRIED]
  system = await startSystem({ environment: { FLOWFORGE_SPARE_CONTAINERS: '0' }, model: { scenarios } })
  project = (await makeWorkTree(system)).path
})
afterAll(() => system.stop())

const newestJob = async (): Promise<Job> => {
  for await (const job of system.flowforge.jobs.list({ limit: 1 })) return job
  throw new Error('there is no job')
}

describe('a watcher that goes away', () => {
  it('killed in the middle: another sees the whole story, without gap or duplicate', async () => {
    const watcher = system.cli(['run', 'Go on [scenario: unhurried]', '--repo', '.'], { cwd: project })
    await watcher.said('one.txt')
    watcher.process.kill('SIGKILL')
    await watcher.finished
    const job = await newestJob()
    expect(job.state).toBe('running')
    const other = await system.cli(['job', 'logs', '-f', String(job.number), '--json']).finished
    expect(other.exitCode).toBe(0)
    const seen = other.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as JobEvent)
    expect(seen.map(event => event.seq)).toEqual(seen.map((_, i) => i + 1))
    expect(seen).toEqual(await system.events(job))
    expect(seen.at(-1)!.type).toBe('job.succeeded')
  })

  it('with Ctrl-C: it detaches with exit code 0, says how to go on, and the job does', async () => {
    const watcher = system.cli(['run', 'Go on [scenario: unhurried]', '--repo', '.'], { cwd: project })
    await watcher.said('one.txt')
    watcher.process.kill('SIGINT')
    const { exitCode, stderr } = await watcher.finished
    expect(exitCode, stderr).toBe(0)
    const job = await newestJob()
    expect(stderr).toContain(`flowforge job logs -f ${job.number}`)
    expect(await system.untilFinished(job)).toMatchObject({ state: 'succeeded' })
  })
})

it('a cancelled job ends within five seconds, its container with it', async () => {
  const watcher = system.cli(['run', 'Count [scenario: slow-tool]', '--repo', '.'], { cwd: project })
  await watcher.said('This will take a minute')
  const job = await newestJob()
  await system.untilEvent(job, 'claude.tool.started')
  const asked = performance.now()
  const cancelling = await system.cli(['job', 'cancel', String(job.number)]).finished
  expect(cancelling.exitCode, cancelling.stderr).toBe(0)
  expect(await system.untilFinished(job)).toMatchObject({ state: 'cancelled' })
  expect(performance.now() - asked).toBeLessThan(5_000)
  expect(await containers(system.directory)).toEqual([])
  expect((await watcher.finished).exitCode).toBe(2)
  const again = await system.cli(['job', 'cancel', String(job.number)]).finished
  expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('nothing to cancel') })
})

it('a job can be cancelled before it has begun', async () => {
  const running = await newestJob()
  expect(running.state).toBe('cancelled')
  const jobs = await Promise.all(
    Array.from({ length: 4 }, () =>
      system.submit({ repositoryId: running.repositoryId, task: 'Count [scenario: slow-tool]' }),
    ),
  )
  await Promise.all(jobs.map(({ id }) => system.flowforge.jobs.cancel(id)))
  const ended = await Promise.all(jobs.map(job => system.untilFinished(job)))
  expect(ended.map(job => job.state)).toEqual(jobs.map(() => 'cancelled'))
})

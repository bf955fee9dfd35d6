// Two servers behind a balancer and two workers, each replaced while jobs run, people submit, and everything is watched.

import type { JobEvent } from '@flowforge/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort, type Program } from '../script/lib/program.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { createInstallation, type Installation } from './faults/processes.ts'
import { createPerson, type Person } from './person.ts'
import { hostedRepository } from './repositories.ts'

let installation: Installation
let balancer: Balancer
let person: Person
let ports: number[]
const servers: Program[] = []
const workers: Program[] = []

const startServer = (port: number) =>
  installation.startServer({ FLOWFORGE_PORT: String(port), FLOWFORGE_DRAIN_SECONDS: '20' })

beforeAll(async () => {
  installation = await createInstallation({ environment: { FLOWFORGE_DRAIN_SECONDS: '30' } })
  ports = [await freePort(), await freePort()]
  for (const port of ports) servers.push(await startServer(port))
  for (let count = 0; count < 2; count += 1) workers.push(await installation.startWorker())
  balancer = await startBalancer(ports)
  person = createPerson({ url: balancer.url, token: installation.token })
})
afterAll(async () => {
  await balancer.close()
  await installation.stop()
})

const ENOUGH_JOBS = 8

/** Everything of a job, as somebody sees it who watches from its beginning. */
async function watch(id: string): Promise<JobEvent[]> {
  const seen: JobEvent[] = []
  for await (const event of person.flowforge.jobs.follow(id)) seen.push(event)
  return seen
}

it('a deploy under load: no job is lost or done twice, no watcher misses anything, nobody is turned away', async () => {
  const { id: repositoryId } = await hostedRepository({ ...person, directory: installation.directory })
  const stories: Promise<JobEvent[]>[] = []
  let submitting = true
  const submitter = (async () => {
    while (submitting) {
      const { id } = await person.submit({ repositoryId, task: '[dummy: work 1]' })
      stories.push(watch(id))
      // No more than the workers can do: what is tested is the deploy, not the queue.
      if (stories.length % 4 === 0) await stories.at(-4)
    }
  })()

  // Each once at least, and on, until there was some load: a fast machine is through in seconds.
  for (let turn = 0; turn < ports.length || stories.length <= ENOUGH_JOBS; turn += 1) {
    const index = turn % ports.length
    const port = ports[index]!
    expect(await servers[index]!.stop()).toBe(0)
    servers[index] = await startServer(port)
    const next = await installation.startWorker()
    expect(await workers[index]!.stop()).toBe(0)
    workers[index] = next
  }
  submitting = false
  await submitter

  const seen = await Promise.all(stories)
  for (const events of seen) {
    const numbered = events.filter(event => event.seq !== undefined)
    expect(numbered.map(({ seq }) => seq)).toEqual(numbered.map((_event, at) => at + 1))
    const types = events.map(({ type }) => type)
    expect(types.at(-1)).toBe('job.succeeded')
    expect(types.filter(type => type === 'attempt.started')).toHaveLength(1)
    expect(types).not.toContain('attempt.lost')
  }
  const turnedAway = balancer.answers.filter(({ status }) => status >= 500)
  expect(turnedAway.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual([])
})

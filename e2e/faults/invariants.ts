// What must hold after every fault, whatever it was: docs/guides/reliability.md promises it.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Job, JobEvent } from '@flowforge/sdk'
import { expect } from 'vitest'
import { createSurvivingDummyExecutor } from '../../packages/server/src/executors/dummy/surviving.ts'
import { containers } from '../leftovers.ts'
import type { Person } from '../person.ts'
import { type Installation, TWO_LEASES_MS } from './processes.ts'

const TERMINAL_STATES = ['succeeded', 'failed', 'cancelled']
const TERMINAL_EVENTS = TERMINAL_STATES.map(state => `job.${state}`)

/** A job with somebody who has watched it from the start, through all that happened. */
export interface WatchedJob {
  job: Job
  /** What the watcher got so far, in the order in which it came. */
  seen: JobEvent[]
  /** The job at its end, when the watcher has seen it. */
  ended: Promise<Job>
}

export function watch(person: Person, job: Job): WatchedJob {
  const seen: JobEvent[] = []
  const ended = (async () => {
    for await (const event of person.flowforge.jobs.follow(job.id))
      if (event.type !== 'claude.text.delta') seen.push(event)
    return person.flowforge.jobs.get(job.id)
  })()
  // Whoever waits for it gets the error; until then it is nobody's.
  ended.catch(() => {})
  return { job, seen, ended }
}

export async function submitWatched(person: Person, job: Parameters<Person['submit']>[0]) {
  return watch(person, await person.submit(job))
}

/** Waits for the jobs' ends and looks at everything that could have gone wrong on the way there. */
export async function expectSound(installation: Installation, jobs: WatchedJob[]): Promise<Job[]> {
  const ended = await Promise.all(jobs.map(({ ended }) => ended))
  for (const [index, job] of ended.entries()) await expectSoundStory(installation, job, jobs[index]!.seen)
  await expectSoundRows(installation)
  await expectNoOrphans(installation)
  return ended
}

/** One end, no gap, no duplicate, and nothing that was shown to somebody has changed since. */
async function expectSoundStory(person: Person, job: Job, seen: JobEvent[]): Promise<void> {
  const events = await person.events(job)
  expect(TERMINAL_STATES).toContain(job.state)
  expect(events.filter(event => TERMINAL_EVENTS.includes(event.type)).map(event => event.type)).toEqual([
    `job.${job.state}`,
  ])
  expect(events.map(event => event.seq)).toEqual(events.map((_, index) => index + 1))
  expect(seen).toEqual(events)
}

/** No attempt that lives on, none that ran beside another, no request to Claude that is paid for twice. */
async function expectSoundRows({ postgres, model }: Installation): Promise<void> {
  const rows = <Row extends object>(text: string) => postgres.query<Row>(text)
  expect(
    await rows(`
      select j.number, j.state from jobs j
      where j.state in ('succeeded', 'failed', 'cancelled')
        and exists (select from attempts a where a.job_id = j.id and a.ended_at is null)`),
  ).toEqual([])
  expect(
    await rows(`
      select a.job_id, a.number from attempts a join attempts b on b.job_id = a.job_id and b.number = a.number + 1
      where a.ended_at is null or a.ended_at > b.started_at`),
  ).toEqual([])
  const paid = await rows<{ id: string }>(
    `select upstream_request_id as id from claude_requests where upstream_request_id is not null`,
  )
  const served = new Set(model.requests().map(request => request.id))
  expect(new Set(paid.map(({ id }) => id)).size).toBe(paid.length)
  expect(paid.filter(({ id }) => !served.has(id))).toEqual([])
}

/** No container of any kind, on any of the installation's machines, two leases after the last job. */
export async function expectNoOrphans({ directory }: Installation): Promise<void> {
  const all = async () => [...(await containers(directory)), ...(await dummyContainers(directory))]
  await expect.poll(all, { timeout: TWO_LEASES_MS, interval: 100 }).toEqual([])
}

/** Those that the dummy plays, in each data folder. */
async function dummyContainers(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const folder of await readdir(directory)) {
    if (!existsSync(join(directory, folder, 'dummy.sock'))) continue
    const executor = createSurvivingDummyExecutor({ directory: join(directory, folder) })
    found.push(...(await executor.list()).map(container => `dummy container ${container.id}`))
    await executor.close()
  }
  return found
}

/** A job that must not notice: nothing was lost of it, and nothing of it was done twice. */
export async function expectUnharmed(person: Person, job: Job): Promise<void> {
  const story = (await person.events(job)).filter(event => event.type !== 'log')
  expect(job, JSON.stringify(story)).toMatchObject({ state: 'succeeded', attempt: 1 })
}

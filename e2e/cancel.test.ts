// A cancel ends whatever runs within five seconds: an agent that hangs, tools that ignore TERM, what they left as daemons.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { containers } from './leftovers.ts'
import { hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({
    environment: {
      FLOWFORGE_LEASE_SECONDS: '30',
      FLOWFORGE_SPARE_CONTAINERS: '0',
      FLOWFORGE_CONCURRENCY: '1',
    },
  })
})
afterAll(() => system.stop())

const LIMIT_MS = 5_000
const scripted = (script: string) => `Hang [scenario: run-script]\n\`\`\`sh\n${script}\n\`\`\``

/** How many processes of the container say this of themselves: a pattern that does not match itself. */
const countInside = async (text: string): Promise<number> => {
  const [container] = await containers(system.directory)
  const look = `grep -ls -- "${text}" /proc/[0-9]*/status /proc/[0-9]*/cmdline | wc -l`
  const { stdout } = await promisify(execFile)('docker', [
    'exec',
    container!.split(' ')[1]!,
    'sh',
    '-c',
    look,
  ])
  return Number(stdout)
}

/** The script that hangs, and what shows that it does. */
const WAYS_TO_HANG: Record<string, { script: string; shows: string }> = {
  'a tool that ignores TERM': {
    script: "trap '' TERM INT; while true; do sleep 1.2345; done",
    shows: '[1].2345',
  },
  'daemons that ignore TERM': {
    script:
      'for i in 1 2 3; do setsid nohup bash -c "trap \'\' TERM; sleep 612.5; true" >/dev/null 2>&1 & done; sleep 600',
    shows: '[6]12.5',
  },
  'a runner and a Claude that are frozen': { script: 'kill -STOP -1; sleep 600', shows: '[S]tate:.T' },
}

describe('a running job is cancelled within five seconds', () => {
  it.each(Object.entries(WAYS_TO_HANG))('in spite of %s', async (_name, { script, shows }) => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: scripted(script) })
    await system.untilEvent(job, 'job.started')
    const isHanging = async () => (await countInside(shows).catch(() => 0)) >= 2
    await expect.poll(isHanging, { timeout: 60_000, interval: 200 }).toBe(true)
    const began = performance.now()
    await system.flowforge.jobs.cancel(job.id)
    const ended = await system.untilFinished(job)
    expect(ended.state).toBe('cancelled')
    expect(performance.now() - began).toBeLessThan(LIMIT_MS)
    await expect.poll(() => containers(system.directory), { timeout: LIMIT_MS }).toEqual([])
    const ends = (await system.events(job)).filter(event =>
      /^job\.(succeeded|failed|cancelled)$/.test(event.type),
    )
    expect(ends.map(event => event.type)).toEqual(['job.cancelled'])
  })
})

it('of two cancels, a retry and a reply one wins, and the others hear a conflict', async () => {
  const repository = await hostedRepository(system)
  const task = scripted('sleep 600')
  const running = await system.submit({ repositoryId: repository.id, task })
  await system.untilEvent(running, 'job.started')
  await expect(system.flowforge.jobs.retry(running.id)).rejects.toMatchObject({
    code: 'job_state_conflict',
    status: 409,
  })
  const queued = await system.submit({ repositoryId: repository.id, task })
  const cancels = await Promise.allSettled([
    system.flowforge.jobs.cancel(queued.id),
    system.flowforge.jobs.cancel(queued.id),
  ])
  expect(cancels.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(cancels.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'job_state_conflict', status: 409 },
  })
  await system.flowforge.jobs.cancel(running.id)
  expect((await system.untilFinished(running)).state).toBe('cancelled')
})

import type { JobEvent } from '@flowforge/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelJob } from '../jobs/cancel.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import { createJobStreams } from './job-stream.ts'
import { createOrganizationStreams } from './organization-stream.ts'
import { createRecentEvents } from './recent-events.ts'
import { createStory } from './story.ts'

let scene: Scene
let jobs: ReturnType<typeof createJobStreams>
let organization: ReturnType<typeof createOrganizationStreams>
beforeAll(async () => {
  scene = await createScene()
  const recent = createRecentEvents(createStory(scene))
  jobs = createJobStreams({ ...scene, recent })
  organization = createOrganizationStreams({ ...scene, recent })
})
afterAll(() => scene.close())

const say = async (jobId: string, ...texts: string[]) => {
  const subject = { id: jobId, organization_id: scene.tenant.organizationId, attempt: 0 }
  const events = texts.map(text => ({ type: 'log' as const, data: { stream: 'stdout' as const, text } }))
  await scene.database.acrossOrganizations(tx => scene.events.append(tx, subject, events))
}
const cancel = (id: string) => cancelJob(scene, scene.tenant, id)

/** A watcher that keeps what it got, at its own pace. */
const watch = (events: AsyncIterable<readonly JobEvent[]>, pace: () => Promise<unknown> = async () => {}) => {
  const got: JobEvent[] = []
  const ended = (async () => {
    for await (const some of events)
      for (const event of some) {
        got.push(event)
        await pace()
      }
  })()
  return { got, ended, numbers: () => got.flatMap(event => event.seq ?? []) }
}
const watchJob = (
  jobId: string,
  options: {
    after?: number
    untilFinished?: boolean
    signal?: AbortSignal
    pace?: () => Promise<unknown>
  } = {},
) =>
  watch(
    jobs.watch({
      organizationId: scene.tenant.organizationId,
      jobId,
      after: options.after ?? 0,
      untilFinished: options.untilFinished ?? true,
      signal: options.signal ?? new AbortController().signal,
    }),
    options.pace,
  )
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n)
const breathe = () => new Promise(resolve => setImmediate(resolve))

describe('the stream of a job', () => {
  test('gives what was and what comes, each once and in order, whenever one joins', async () => {
    const { id } = await scene.submit()
    const watchers: ReturnType<typeof watchJob>[] = []
    for (let n = 0; n < 40; n += 1) {
      const pause = Math.random() < 0.5 ? breathe : undefined
      if (n % 4 === 0)
        watchers.push(watchJob(id, { after: Math.floor(Math.random() * (n + 2)), pace: pause }))
      const written = say(id, ...Array.from({ length: 1 + (n % 3) }, (_, k) => `${n}/${k}`))
      if (Math.random() < 0.7) await written
      else await Promise.all([written, breathe()])
    }
    await cancel(id)
    await Promise.all(watchers.map(({ ended }) => ended))
    const { last_seq } = await scene.job(id)
    for (const watcher of watchers) {
      const numbers = watcher.numbers()
      expect(numbers).toEqual(upTo(last_seq, numbers[0]))
      expect(watcher.got.at(-1)?.type).toBe('job.cancelled')
    }
  })

  test('goes on after the cursor that one names', async () => {
    const { id } = await scene.submit()
    await say(id, 'three', 'four', 'five')
    await cancel(id)
    const watcher = watchJob(id, { after: 3 })
    await watcher.ended
    expect(watcher.numbers()).toEqual([4, 5, 6])
  })

  test('of a finished job ends at once where nothing follows', async () => {
    const { id } = await scene.submit()
    await cancel(id)
    for (const after of [3, 1000]) {
      const watcher = watchJob(id, { after })
      await watcher.ended
      expect(watcher.got).toEqual([])
    }
  })

  test('is read in pages, and huge events make short ones', async () => {
    const { id } = await scene.submit()
    await say(id, ...Array.from({ length: 1100 }, (_, n) => `line ${n}`))
    for (let n = 0; n < 4; n += 1) await say(id, 'x'.repeat(3_000_000))
    await cancel(id)
    const watcher = watchJob(id)
    await watcher.ended
    expect(watcher.numbers()).toEqual(upTo(2 + 1100 + 4 + 1))
  })

  test('shows text as it comes, in order, without numbers', async () => {
    const { id } = await scene.submit()
    const watcher = watchJob(id)
    await expect.poll(() => watcher.got.length).toBe(2)
    const { organizationId } = scene.tenant
    const words = Array.from({ length: 200 }, (_, n) => `${n} `)
    for (const text of words) scene.bus.sendDelta({ jobId: id, organizationId, attempt: 1, text })
    const deltas = () =>
      watcher.got.flatMap(event => (event.type === 'claude.text.delta' ? event.data.text : []))
    await expect.poll(() => deltas().length, { timeout: 5_000 }).toBe(200)
    expect(deltas()).toEqual(words)
    expect(watcher.got.at(-1)?.seq).toBeUndefined()
    await cancel(id)
    await watcher.ended
  })

  test('keeps for one who takes nothing no more than some text', async () => {
    const { id } = await scene.submit()
    const gate = Promise.withResolvers<void>()
    const watcher = watchJob(id, { pace: () => gate.promise })
    await expect.poll(() => watcher.got.length).toBe(1)
    const { organizationId } = scene.tenant
    let heard = 0
    const stop = scene.bus.onDelta(() => {
      heard += 1
    })
    for (let n = 0; n < 900; n += 1)
      scene.bus.sendDelta({ jobId: id, organizationId, attempt: 1, text: String(n) })
    await say(id, ...Array.from({ length: 2000 }, (_, n) => `line ${n}`))
    await expect.poll(() => heard, { timeout: 5_000 }).toBe(900)
    stop()
    gate.resolve()
    await cancel(id)
    await watcher.ended
    expect(watcher.numbers()).toEqual(upTo(2003))
    expect(watcher.got.filter(event => event.type === 'claude.text.delta').length).toBeLessThanOrEqual(256)
  })

  test('waits at the end of a finished job for one who wants to, and stops when told', async () => {
    const { id } = await scene.submit()
    await cancel(id)
    const stop = new AbortController()
    const watcher = watchJob(id, { untilFinished: false, signal: stop.signal })
    await expect.poll(() => watcher.got.length).toBe(3)
    await say(id, 'more')
    await expect.poll(() => watcher.got.length).toBe(4)
    stop.abort()
    await watcher.ended
  })

  test('ends when the job is removed', async () => {
    const { id } = await scene.submit()
    const watcher = watchJob(id, { untilFinished: false })
    await expect.poll(() => watcher.got.length).toBe(2)
    await scene.removeJobs()
    await scene.breakConnections()
    await watcher.ended
  })

  test('shows nothing of another organization', async () => {
    const stranger = await scene.addTenant('stream-stranger')
    const { id } = await scene.submit({}, stranger)
    const watcher = watchJob(id)
    await watcher.ended
    expect(watcher.got).toEqual([])
  })
})

describe('the stream of an organization', () => {
  const watchAll = (pace?: () => Promise<unknown>) => {
    const stop = new AbortController()
    const { organizationId } = scene.tenant
    const watcher = watch(organization.watch({ organizationId, signal: stop.signal }), pace)
    return {
      ...watcher,
      of: (id: string) => watcher.got.filter(event => event.jobId === id).map(event => event.seq),
      stop: async () => {
        stop.abort()
        await watcher.ended
      },
    }
  }

  test('gives every event from now on, each job in order', async () => {
    const { id: old } = await scene.submit()
    const all = watchAll()
    // It has begun to watch when it gives something.
    await expect.poll(async () => say(old, 'now').then(() => all.got.length)).toBeGreaterThan(0)
    const fresh = await Promise.all([scene.submit(), scene.submit(), scene.submit()])
    await Promise.all(fresh.flatMap(({ id }) => [say(id, 'a', 'b'), say(id, 'c')]))
    for (const { id } of fresh) await expect.poll(() => all.of(id)).toEqual([1, 2, 3, 4, 5])
    expect(all.of(old)[0]).toBeGreaterThan(2)
    await all.stop()
  })

  test('says nothing of others', async () => {
    const stranger = await scene.addTenant('organization-stranger')
    const { id: other } = await scene.submit()
    const all = watchAll()
    await expect.poll(async () => say(other, 'now').then(() => all.got.length)).toBeGreaterThan(0)
    const { id: theirs } = await scene.submit({}, stranger)
    const { id: mine } = await scene.submit()
    await expect.poll(() => all.of(mine)).toEqual([1, 2])
    expect(all.of(theirs)).toEqual([])
    await all.stop()
  })

  test('of a job with many and large events leaves none out', async () => {
    const { id: other } = await scene.submit()
    const all = watchAll()
    await expect.poll(async () => say(other, 'now').then(() => all.got.length)).toBeGreaterThan(0)
    const { id } = await scene.submit()
    await say(id, ...Array.from({ length: 700 }, (_, n) => `line ${n}`))
    for (let n = 0; n < 3; n += 1) await say(id, 'x'.repeat(3_000_000))
    await expect.poll(() => all.of(id).length, { timeout: 10_000 }).toBe(705)
    expect(all.of(id)).toEqual(upTo(705))
    await all.stop()
  })
})

describe('after the connection that listens was lost', () => {
  test('both streams catch up on what they missed, also the ends of jobs', async () => {
    const { id } = await scene.submit()
    const job = watchJob(id)
    const stop = new AbortController()
    const all = watch(
      organization.watch({ organizationId: scene.tenant.organizationId, signal: stop.signal }),
    )
    await expect.poll(async () => say(id, 'now').then(() => all.got.length)).toBeGreaterThan(0)
    await scene.breakConnections()
    // Written while nobody listens; a write that meets its broken connection is made again.
    const again = async (act: () => Promise<unknown>) =>
      expect
        .poll(() =>
          act().then(
            () => true,
            () => false,
          ),
        )
        .toBe(true)
    await again(() => say(id, 'missed'))
    await again(() => cancel(id))
    await job.ended
    const { last_seq } = await scene.job(id)
    expect(job.numbers()).toEqual(upTo(last_seq))
    await expect.poll(() => all.got.at(-1)?.type, { timeout: 5_000 }).toBe('job.cancelled')
    const seen = all.got.flatMap(event => event.seq ?? [])
    expect(seen).toEqual(upTo(last_seq, seen[0]))
    stop.abort()
    await all.ended
  })
})

test('a stranger on the channel ends nothing', async () => {
  const heard: number[] = []
  const stop = scene.bus.onAnnouncement(({ seq }) => heard.push(seq))
  await scene.database.pool.query(`select pg_notify('flowforge_live', 'not json')`)
  await scene.database.pool.query(`select pg_notify('flowforge_live', '{"a": 1}')`)
  await scene.submit()
  await expect.poll(() => heard.length).toBeGreaterThan(0)
  stop()
})

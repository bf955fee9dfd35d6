import { randomBytes } from 'node:crypto'
import type { JobEvent } from '@flowforge/protocol'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FlowForgeError } from '../errors.ts'
import { retryJob } from '../jobs/retry.ts'
import { cancel } from '../jobs/testing-engine.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { announceObject } from '../store/doomed-objects.ts'
import { deleteDoomedObjects } from './doomed-objects.ts'
import { sealEndedJobs, sealJob } from './seal.ts'
import { createStory, type StoryPage } from './story.ts'

let scene: Scene
const log = pino({ level: 'silent' })
const never = new AbortController().signal
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())

const say = async (jobId: string, ...texts: string[]) => {
  const subject = { id: jobId, organization_id: scene.tenant.organizationId, attempt: 0 }
  const events = texts.map(text => ({ type: 'log' as const, data: { stream: 'stdout' as const, text } }))
  await scene.database.acrossOrganizations(tx => scene.events.append(tx, subject, events))
}
/** A job that ended, with so many events; nothing compresses them away. */
const endedJob = async (events: number, bytesEach = 300): Promise<string> => {
  const { id } = await scene.submit()
  await say(id, ...Array.from({ length: events - 3 }, () => randomBytes(bytesEach / 2).toString('hex')))
  await cancel(scene, id)
  return id
}
const seal = (storage: ObjectStorage = scene.storage, endedSeconds = 0) =>
  sealEndedJobs({ database: scene.database, storage, log }, { endedSeconds, signal: never })
const reading = (storage: ObjectStorage = scene.storage) => {
  // Each has a cache of its own: what is read is what is stored.
  const story = createStory({ database: scene.database, storage })
  return (jobId: string, after: number, limit: number): Promise<StoryPage> =>
    story.read({ organizationId: scene.tenant.organizationId, jobId }, after, { limit })
}
const count = async (
  table: 'events' | 'event_segments' | 'doomed_objects',
  jobId: string,
): Promise<number> => {
  const query = {
    events: sql`select count(*)::int as n from events where job_id = ${jobId}`,
    event_segments: sql`select count(*)::int as n from event_segments where job_id = ${jobId}`,
    doomed_objects: sql`select count(*)::int as n from doomed_objects where storage_key like ${`%${jobId}%`}`,
  }[table]
  return (await scene.database.acrossOrganizations(tx => tx.first<{ n: number }>(query)))!.n
}
const objectsOf = async (jobId: string): Promise<string[]> => {
  const found = await Array.fromAsync(scene.storage.list(`events/${scene.tenant.organizationId}/${jobId}/`))
  return found.map(({ key }) => key)
}
const failing = (changes: Partial<ObjectStorage>): ObjectStorage => ({ ...scene.storage, ...changes })
const away = () => Promise.reject(new FlowForgeError('storage_unavailable', 'The bucket is away.'))

describe('a sealed story', () => {
  test('is what it was, in the same pages, from every cursor', async () => {
    const id = await endedJob(400)
    const read = reading()
    const before = await Promise.all(Array.from({ length: 402 }, (_, after) => read(id, after, 50)))
    expect(await seal()).toBeGreaterThan(0)
    expect(await count('events', id)).toBe(0)
    const after = await Promise.all(Array.from({ length: 402 }, (_, after) => read(id, after, 50)))
    expect(JSON.stringify(after)).toBe(JSON.stringify(before))
  })

  test('of many megabytes has several segments, and pages that go from one into the next', async () => {
    const id = await endedJob(3_000, 2_000)
    const read = reading()
    const cursors = [0, 1, 170, 517, 520, 521, 522, 1040, 2_000, 2_998, 2_999, 3_000]
    const pages = () => Promise.all(cursors.map(after => read(id, after, 1_000)))
    const before = await pages()
    await seal()
    expect(await count('event_segments', id)).toBeGreaterThan(4)
    expect(JSON.stringify(await pages())).toBe(JSON.stringify(before))
  })

  test('keeps strange text and an event that is larger than a segment', async () => {
    const { id } = await scene.submit()
    await say(id, '\u2400 \ufffd \u2028 \\u0000 "quoted" \n\r\n 🧵', 'x'.repeat(3_000_000), '')
    await cancel(scene, id)
    const before = await reading()(id, 0, 100)
    await seal()
    expect(await reading()(id, 0, 100)).toEqual(before)
  })

  test('goes on in rows when the job does, and these are sealed at its next end', async () => {
    const id = await endedJob(20)
    await seal()
    await retryJob(scene, scene.tenant, id)
    await say(id, 'once more')
    const reopened = await reading()(id, 0, 100)
    const numbers = ({ events }: StoryPage) => events.map(({ seq }) => seq)
    expect(numbers(reopened)).toEqual(Array.from({ length: reopened.lastSeq }, (_, index) => index + 1))
    expect(await count('events', id)).toBe(reopened.lastSeq - 20)
    await cancel(scene, id)
    const ended = await reading()(id, 0, 100)
    await seal()
    expect(await count('events', id)).toBe(0)
    expect(await count('event_segments', id)).toBe(2)
    expect(await reading()(id, 0, 100)).toEqual(ended)
  })

  test('waits until the job ended long enough ago', async () => {
    const id = await endedJob(10)
    await seal(scene.storage, 3600)
    expect(await count('events', id)).toBe(10)
  })

  test('of a job that runs is never begun', async () => {
    const { id } = await scene.submit()
    const job = { id, organization_id: scene.tenant.organizationId }
    expect(await sealJob({ database: scene.database, storage: scene.storage, log }, job)).toBe(false)
    expect(await count('events', id)).toBe(2)
    await deleteAllDoomed()
    expect(await objectsOf(id)).toEqual([])
  })

  test('is shown to nobody of another organization', async () => {
    const stranger = await scene.addTenant('seal-stranger')
    const id = await endedJob(10)
    await seal()
    const story = createStory(scene)
    const subject = { organizationId: stranger.organizationId, jobId: id }
    expect(await story.read(subject, 0, { limit: 10 })).toMatchObject({ events: [], gone: true })
  })
})

/** Also those that were announced and may still be wanted. */
const deleteAllDoomed = async () => {
  await scene.database.acrossOrganizations(tx =>
    tx.run(sql`update doomed_objects set delete_after = now() - interval '1 second'`),
  )
  await deleteDoomedObjects(scene, never)
}

describe('sealing', () => {
  const crashes: Record<string, (id: string) => Promise<unknown>> = {
    'after it announced the object': id =>
      scene.database.acrossOrganizations(tx =>
        announceObject(tx, scene.tenant.organizationId, `events/${scene.tenant.organizationId}/${id}/1-lost`),
      ),
    'while it stores the object': () => seal(failing({ put: away })).catch(() => {}),
    'after it stored the object': () =>
      seal(
        failing({
          put: async (key, body) => {
            await scene.storage.put(key, body)
            throw new FlowForgeError('storage_unavailable', 'the process died here')
          },
        }),
      ).catch(() => {}),
  }
  test.each(Object.keys(crashes))('that dies %s is done again, and leaves no object behind', async when => {
    const id = await endedJob(50)
    const before = await reading()(id, 0, 100)
    await crashes[when]!(id)
    expect(await count('events', id)).toBe(50)
    expect(await reading()(id, 0, 100)).toEqual(before)
    await seal()
    await deleteAllDoomed()
    expect(await reading()(id, 0, 100)).toEqual(before)
    expect(await objectsOf(id)).toHaveLength(1)
    expect(await count('doomed_objects', id)).toBe(0)
  })

  test('by several at once seals each event once', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => endedJob(1_000, 2_000)))
    const before = await Promise.all(ids.map(id => reading()(id, 0, 1_000)))
    await Promise.all([seal(), seal(), seal()])
    await seal()
    await deleteAllDoomed()
    for (const [index, id] of ids.entries()) {
      expect(await reading()(id, 0, 1_000)).toEqual(before[index])
      expect(await objectsOf(id)).toHaveLength(await count('event_segments', id))
      expect(await count('events', id)).toBe(0)
    }
  })

  test('that took too long to store does not refer to an object that may be gone', async () => {
    const id = await endedJob(50)
    const slow = failing({
      put: async (key, body) => {
        await scene.storage.put(key, body)
        await deleteAllDoomed()
      },
    })
    const job = { id, organization_id: scene.tenant.organizationId }
    expect(await sealJob({ database: scene.database, storage: slow, log }, job)).toBe(false)
    expect(await count('events', id)).toBe(50)
  })

  test('of a job that can not be sealed keeps no other waiting', async () => {
    const [bad, good] = [await endedJob(10), await endedJob(10)]
    const storage = failing({
      put: (key, body) => (key.includes(bad) ? Promise.reject(new Error('?')) : scene.storage.put(key, body)),
    })
    await seal(storage)
    expect([await count('events', bad), await count('events', good)]).toEqual([10, 0])
    await seal()
  })
})

describe('without its objects', () => {
  test('a sealed story says that the storage is away, and comes back with it', async () => {
    const id = await endedJob(20)
    await seal()
    await expect(reading(failing({ get: away }))(id, 0, 10)).rejects.toMatchObject({
      code: 'storage_unavailable',
    })
    expect((await reading()(id, 0, 10)).events).toHaveLength(10)
  })

  test.each<[string, (key: string) => Promise<unknown>]>([
    ['gone', key => scene.storage.delete([key])],
    ['another', key => scene.storage.put(key, randomBytes(100))],
  ])('a segment whose object is %s is named, and what follows can be read', async (_what, damage) => {
    const id = await endedJob(20)
    await seal()
    const [key] = await objectsOf(id)
    await damage(key!)
    await retryJob(scene, scene.tenant, id)
    await expect(reading()(id, 0, 10)).rejects.toMatchObject({
      code: 'object_damaged',
      message: expect.stringMatching(/^Events 1 to 20 .*\?after=20/),
    })
    expect((await reading()(id, 20, 10)).events.length).toBeGreaterThan(0)
  })

  test('a job that is removed takes its objects along', async () => {
    const id = await endedJob(20)
    await seal()
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from jobs where id = ${id}`))
    expect(await objectsOf(id)).toHaveLength(1)
    await deleteDoomedObjects(scene, never)
    expect(await objectsOf(id)).toEqual([])
  })

  test('a job that is removed takes its saved conversation along', async () => {
    const { id } = await scene.submit()
    const key = `sessions/${id}/1-saved`
    await scene.storage.put(key, Buffer.from('a conversation'))
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`insert into job_sessions (job_id, organization_id, session_id, attempt, storage_key, size_bytes, through_message)
        values (${id}, ${scene.tenant.organizationId}, 's', 1, ${key}, 14, 0)`),
    )
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from jobs where id = ${id}`))
    await deleteDoomedObjects(scene, never)
    expect(await scene.storage.get(key)).toBeNull()
  })

  test('objects stay on the list while the storage is away', async () => {
    const id = await endedJob(20)
    await seal()
    await scene.database.acrossOrganizations(tx => tx.run(sql`delete from jobs where id = ${id}`))
    const storage = failing({ delete: away })
    await expect(deleteDoomedObjects({ ...scene, storage }, never)).rejects.toMatchObject({
      code: 'storage_unavailable',
    })
    expect(await count('doomed_objects', id)).toBe(1)
    await deleteDoomedObjects(scene, never)
    expect(await count('doomed_objects', id)).toBe(0)
  })
})

test('events that are read are not shared with those who may change them', async () => {
  const id = await endedJob(10)
  await seal()
  const read = reading()
  const first: JobEvent[] = (await read(id, 0, 100)).events
  first.length = 0
  expect((await read(id, 0, 100)).events).toHaveLength(10)
})

import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { deleteDoomedObjects } from '../live/doomed-objects.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { createSessionRecords } from './session-records.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())

const running = async (storage: ObjectStorage = scene.storage) => {
  const { id } = await scene.submit()
  const { job, attempt } = (await scene.claim())[0]!
  const gateway: GatewayAttempt = {
    attemptId: attempt.id,
    jobId: id,
    organizationId: job.organization_id,
    repositoryId: job.repository_id,
    number: attempt.number,
    phase: 'agent',
    token: 't',
    branch: job.branch,
    baseCommit: 'a',
    allowedModels: [],
    egressAllow: [],
    signal: new AbortController().signal,
  }
  const recordsAt = (epoch: number) => createSessionRecords({ ...scene, storage }, epoch)
  const upload = (body: string) => ({
    sessionId: 'session',
    throughMessage: 0,
    body: Readable.from([Buffer.from(body)], { objectMode: false }),
    sizeBytes: () => body.length,
  })
  return {
    epoch: attempt.epoch,
    save: (body: string, epoch = attempt.epoch) => recordsAt(epoch).saveSession(gateway, upload(body)),
    opened: async () => {
      const body = await recordsAt(attempt.epoch).openSession(gateway)
      return body && text(body)
    },
    objects: async () => (await Array.fromAsync(scene.storage.list(`sessions/${id}/`))).length,
  }
}

/** What an announcement waits for: an hour. */
const letAnHourPass = async (): Promise<void> => {
  await scene.database.acrossOrganizations(tx =>
    tx.run(sql`update doomed_objects set delete_after = delete_after - interval '1 hour'`),
  )
  await deleteDoomedObjects(scene, new AbortController().signal)
}

test('a newer session takes the place of the one before, whose object goes', async () => {
  const { save, opened, objects } = await running()
  await save('first')
  await save('second')
  expect(await opened()).toBe('second')
  await letAnHourPass()
  expect(await opened()).toBe('second')
  expect(await objects()).toBe(1)
})

test('whoever holds the attempt no longer saves nothing, and leaves no object behind', async () => {
  const { epoch, save, opened, objects } = await running()
  await save('held')
  await expect(save('stale', epoch - 1)).rejects.toMatchObject({ code: 'lease_lost' })
  await letAnHourPass()
  expect(await opened()).toBe('held')
  expect(await objects()).toBe(1)
})

test('a process that dies when the object is stored and no row names it leaves no object behind', async () => {
  const dead = Promise.withResolvers<never>()
  const stored = Promise.withResolvers<void>()
  const { save, opened, objects } = await running({
    ...scene.storage,
    put: async (key, body) => {
      await scene.storage.put(key, body)
      stored.resolve()
      await dead.promise
    },
  })
  void save('never named')
  await stored.promise
  expect(await objects()).toBe(1)
  await letAnHourPass()
  expect(await objects()).toBe(0)
  expect(await opened()).toBeNull()
})

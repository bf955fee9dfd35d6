import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cancelJob } from '../jobs/cancel.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import { removeUnusedMirrors } from './mirrors.ts'

let scene: Scene
let there: Set<string>
let askedUnderLock: boolean[]
const log = pino({ level: 'silent' })
const installation = { jobs: null, events: null, artifacts: null, mirrors: 30 }
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())
beforeEach(async () => {
  await scene.removeJobs()
  there = new Set([scene.tenant.repositoryId])
  askedUnderLock = []
  await change(
    sql`update repositories set url = 'https://git.example.org/sample.git', created_at = now() - interval '90 days'`,
  )
})

const change = (query: ReturnType<typeof sql>) => scene.database.acrossOrganizations(tx => tx.run(query))
const mirrors = {
  exists: async (id: string) => there.has(id),
  removeCopy: async (id: string, isUnused: () => Promise<boolean>) => {
    const unused = await isUnused()
    askedUnderLock.push(unused)
    return unused && there.delete(id)
  },
}
const remove = (days: number | null = 30) =>
  removeUnusedMirrors({
    database: scene.database,
    log,
    mirrors,
    installation: { ...installation, mirrors: days },
  })
const endedJob = async (daysAgo: number) => {
  const { id } = await scene.submit()
  await cancelJob(scene, scene.tenant, id)
  await change(sql`update jobs set finished_at = now() - make_interval(days => ${daysAgo})`)
}

test('a mirror goes when its last job ended long enough ago', async () => {
  await endedJob(31)
  expect(await remove()).toBe(1)
  expect(there.size).toBe(0)
})

test.each<[string, () => Promise<unknown>]>([
  ['it was used lately', () => endedJob(29)],
  ['a job of it is unfinished', () => scene.submit()],
  ['it is new', () => change(sql`update repositories set created_at = now()`)],
  ['it is the data itself', () => change(sql`update repositories set url = null`)],
])('a mirror stays when %s', async (_why, make) => {
  await make()
  expect(await remove()).toBe(0)
  expect(there.size).toBe(1)
})

test('a mirror stays when nobody said that it should go', async () => {
  await endedJob(4000)
  expect(await remove(null)).toBe(0)
})

test('a job that comes between the look and the lock keeps the mirror', async () => {
  const { removeCopy } = mirrors
  mirrors.removeCopy = async (id, isUnused) => {
    await scene.submit()
    return removeCopy(id, isUnused)
  }
  expect(await remove()).toBe(0)
  mirrors.removeCopy = removeCopy
  expect(askedUnderLock).toEqual([false])
  expect(there.size).toBe(1)
})

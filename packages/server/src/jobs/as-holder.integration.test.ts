import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../store/database.ts'
import type { Claim } from './claim.ts'
import { type Outcome, settleAttempt } from './settle.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())

const DONE: Outcome = {
  kind: 'succeeded',
  headCommit: null,
  result: { summary: 'Done.', filesChanged: 0, insertions: 0, deletions: 0, verify: [] },
}

/** A worker's database that counts its transactions. */
function counted(): { database: Database; transactions: () => number } {
  let transactions = 0
  const database: Database = {
    ...scene.database,
    acrossOrganizations: work => {
      transactions += 1
      return scene.database.acrossOrganizations(work)
    },
  }
  return { database, transactions: () => transactions }
}

async function claimMany(count: number): Promise<Claim[]> {
  await scene.removeJobs()
  for (let number = 0; number < count; number++) await scene.submit()
  return scene.claim(count)
}

const settle = (database: Database, { job, attempt }: Claim, epoch = attempt.epoch) =>
  settleAttempt({ ...scene, database }, job.id, { attemptId: attempt.id, epoch }, DONE)

test('thirty attempts that end at once are settled in one transaction, each with its own story', async () => {
  const claims = await claimMany(30)
  const { database, transactions } = counted()
  const settled = await Promise.all(claims.map(claim => settle(database, claim)))
  expect(transactions()).toBe(1)
  expect(settled.map(({ id }) => id)).toEqual(claims.map(({ job }) => job.id))
  expect(new Set(settled.map(({ state }) => state))).toEqual(new Set(['succeeded']))
  for (const { job } of claims) {
    const story = await scene.story(job.id)
    expect(story.map(({ seq }) => seq)).toEqual(story.map((_, index) => index + 1))
    expect(story.at(-1)?.type).toBe('job.succeeded')
    expect(await scene.liveAttempt(job.id)).toBeUndefined()
  }
})

test('one whose lease is lost is refused, and the others that were with it are settled', async () => {
  const claims = await claimMany(5)
  const { database } = counted()
  const settled = await Promise.allSettled(
    claims.map((claim, index) => settle(database, claim, index === 2 ? claim.attempt.epoch + 1 : undefined)),
  )
  expect(settled.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ])
  expect((settled[2] as PromiseRejectedResult).reason).toMatchObject({ code: 'lease_lost' })
  const states = await Promise.all(claims.map(async ({ job }) => (await scene.job(job.id)).state))
  expect(states).toEqual(['succeeded', 'succeeded', 'running', 'succeeded', 'succeeded'])
})

test('the same attempt settled twice at once ends once', async () => {
  const [claim] = await claimMany(1)
  const { database } = counted()
  const settled = await Promise.allSettled([settle(database, claim!), settle(database, claim!)])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  const ends = (await scene.story(claim!.job.id)).filter(({ type }) => type === 'job.succeeded')
  expect(ends).toHaveLength(1)
})

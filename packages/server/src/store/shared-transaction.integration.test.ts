import pg from 'pg'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database, Transaction } from './database.ts'
import { merged } from './merged.ts'
import { inSharedTransaction } from './shared-transaction.ts'
import { createMigratedDatabase, type MigratedDatabase } from './testing-migrated.ts'

let migrated: MigratedDatabase
let database: Database
let transactions = 0
beforeAll(async () => {
  migrated = await createMigratedDatabase()
  database = {
    ...migrated.database,
    acrossOrganizations: work => {
      transactions += 1
      return migrated.database.acrossOrganizations(work)
    },
  }
})
beforeEach(() => {
  transactions = 0
})
afterAll(() => migrated.close())

const write = (tx: Transaction, name: string) =>
  tx.run(
    sql`insert into organization (id, name, slug, "createdAt") values (${name}, ${name}, ${name}, now())`,
  )
const written = async (): Promise<string[]> =>
  (
    await migrated.database.acrossOrganizations(tx =>
      tx.all<{ id: string }>(sql`select id from organization order by id`),
    )
  ).map(({ id }) => id)

describe('a shared transaction', () => {
  test('takes what is wanted in the same moment, and each gets its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        inSharedTransaction(database, `many-${number}`, async tx => {
          await write(tx, `many-${number}`)
          return number
        }),
      ),
    )
    expect(answers).toEqual(Array.from({ length: 20 }, (_, number) => number))
    expect(transactions).toBe(1)
    expect(await written()).toEqual(expect.arrayContaining(['many-0', 'many-19']))
  })

  test('of which one fails does harm to that one alone', async () => {
    const settled = await Promise.allSettled(
      ['good-1', 'bad', 'good-2'].map(name =>
        inSharedTransaction(database, name, async tx => {
          await write(tx, name)
          if (name === 'bad') throw new Error('refused')
        }),
      ),
    )
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const there = await written()
    expect(there).toEqual(expect.arrayContaining(['good-1', 'good-2']))
    expect(there).not.toContain('bad')
  })

  test('of which a statement fails does harm to whoever asked it alone', async () => {
    const settled = await Promise.allSettled(
      ['fine-1', 'fine-1', 'fine-2'].map((name, index) =>
        inSharedTransaction(database, `statement-${index}`, tx => write(tx, name)),
      ),
    )
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await written()).toEqual(expect.arrayContaining(['fine-1', 'fine-2']))
  })

  test('is not shared by two of one key: the second sees what the first has written', async () => {
    const seen = await Promise.all(
      ['first', 'second'].map(name =>
        inSharedTransaction(database, 'same', async tx => {
          await write(tx, `same-${name}`)
          return (await tx.all(sql`select id from organization where id like 'same-%'`)).length
        }),
      ),
    )
    expect(seen).toEqual([1, 2])
    expect(transactions).toBe(2)
  })
})

describe('merged statements', () => {
  const asked: string[][] = []
  const double = merged(
    (item: string) => item,
    async (_tx, items: string[]) => {
      asked.push(items)
      return items.map(item => item + item)
    },
  )
  beforeEach(() => {
    asked.length = 0
  })

  test('are one for all that ask in the same moment', async () => {
    const answers = await migrated.database.acrossOrganizations(tx =>
      Promise.all(['a', 'b', 'c'].map(item => double(tx, item))),
    )
    expect(answers).toEqual(['aa', 'bb', 'cc'])
    expect(asked).toEqual([['a', 'b', 'c']])
  })

  test('are two when two are about the same row', async () => {
    await migrated.database.acrossOrganizations(tx =>
      Promise.all(['a', 'b', 'a'].map(item => double(tx, item))),
    )
    expect(asked).toEqual([['a', 'b'], ['a']])
  })

  test('that read answer two who ask for the same row at once', async () => {
    let times = 0
    const read = merged(
      (item: string) => item,
      async (_tx, items: string[]) => items.map(item => `${item} ${++times}`),
      'read',
    )
    const answers = await migrated.database.acrossOrganizations(tx =>
      Promise.all(['a', 'b', 'a'].map(item => read(tx, item))),
    )
    expect(answers).toEqual(['a 1', 'b 2', 'a 1'])
  })

  test('never mix two transactions', async () => {
    await Promise.all(['a', 'b'].map(item => migrated.database.acrossOrganizations(tx => double(tx, item))))
    expect(asked).toEqual([['a'], ['b']])
  })
})

test('a column that a newer version adds while this one runs disturbs nobody', async () => {
  const everything = () =>
    migrated.database.acrossOrganizations(tx => tx.all(sql`select * from organization_limits`))
  await Promise.all(Array.from({ length: 10 }, everything))
  const owner = new pg.Client(migrated.ownerConfig)
  await owner.connect()
  await owner.query('alter table organization_limits add column of_tomorrow text')
  await owner.end()
  await Promise.all(Array.from({ length: 10 }, everything))
})

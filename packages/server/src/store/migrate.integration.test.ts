import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { migrate } from './migrate.ts'
import { knownMigrations, requireCompatible, SCHEMA_LEVEL } from './schema.ts'
import { createTestDatabase } from './testing.ts'

const database = async () => {
  const made = await createTestDatabase()
  onTestFinished(made.close)
  return made
}

const directoryWith = async (files: Record<string, string>): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'ffm-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  for (const migration of knownMigrations())
    await writeFile(join(directory, `${migration.name}.sql`), await migration.sql())
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

const connect = async (config: pg.ClientConfig) => {
  const client = new pg.Client(config)
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

test('of several first starts at once one migrates', async () => {
  const { ownerConfig } = await database()
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(ownerConfig)))
  expect(applied.filter(names => names.length > 0)).toEqual([knownMigrations().map(({ name }) => name)])
  expect(await migrate(ownerConfig)).toEqual([])
})

test('without a database it says what to check', async () => {
  const nobody = { connectionString: 'postgres://x:secret@127.0.0.1:1/x' }
  await expect(migrate(nobody)).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringMatching(/DATABASE_URL/),
  })
  await expect(migrate(nobody)).rejects.not.toThrow('secret')
})

test('a migration that fails half-way changes nothing, is named, and those before it stand', async () => {
  const { ownerConfig } = await database()
  const directory = await directoryWith({
    '9001_good.sql': 'create table good (id int);',
    '9002_bad.sql': 'create table half (id int); select no_such_function();',
    '9003_never.sql': 'create table never (id int);',
  })
  await expect(migrate(ownerConfig, { directory })).rejects.toMatchObject({
    code: 'migration_failed',
    message: expect.stringMatching(/9002_bad.*no_such_function.*version before goes on/),
  })
  const client = await connect(ownerConfig)
  const tables = await client.query(
    `select to_regclass('good') as good, to_regclass('half') as half, to_regclass('never') as never`,
  )
  expect(tables.rows).toEqual([{ good: 'good', half: null, never: null }])
  await writeFile(join(directory, '9002_bad.sql'), 'create table half (id int);')
  expect(await migrate(ownerConfig, { directory })).toEqual(['9002_bad', '9003_never'])
})

test('a migration waits for a long reader without standing in the way of others', async () => {
  const { ownerConfig } = await database()
  await migrate(ownerConfig)
  const [reader, bystander] = [await connect(ownerConfig), await connect(ownerConfig)]
  await reader.query('begin; select count(*) from jobs')
  const directory = await directoryWith({ '9001_add.sql': 'alter table jobs add column added int;' })
  const migrating = migrate(ownerConfig, { directory })
  const isWaiting = async () =>
    (await bystander.query('select from pg_locks where not granted')).rowCount !== 0
  await expect.poll(isWaiting, { interval: 20, timeout: 10_000 }).toBe(true)
  // It gives way at its lock timeout, though the reader is still there.
  await bystander.query('select count(*) from jobs')
  await reader.query('commit')
  expect(await migrating).toEqual(['9001_add'])
})

test('a database that a newer version has added to is accepted, one that it took from is not', async () => {
  const { ownerConfig } = await database()
  const adding = await directoryWith({ '9001_add.sql': 'alter table jobs add column added int;' })
  await migrate(ownerConfig, { directory: adding })
  expect(await migrate(ownerConfig)).toEqual([])
  const taking = await directoryWith({
    '9001_add.sql': '',
    '9002_take.sql': 'update schema_compatibility set oldest_level = 9001;',
  })
  await migrate(ownerConfig, { directory: taking })
  await expect(migrate(ownerConfig)).rejects.toMatchObject({
    code: 'version_unsupported',
    message: expect.stringMatching(new RegExp(`9001.*up to ${SCHEMA_LEVEL}.*Start the newer version`)),
  })
  const client = await connect(ownerConfig)
  await expect(requireCompatible(client, 9001)).resolves.toBeUndefined()
})

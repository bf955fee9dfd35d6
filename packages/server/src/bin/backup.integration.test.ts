// Backups of running systems, restored into empty ones: real processes, real Postgres, real Git.
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../config.ts'
import { runGit } from '../git/run.ts'
import { client } from '../git/test-host.ts'
import { freePort } from '../http/testing-server.ts'
import { createSealing } from '../secrets/sealing.ts'
import { noS3Server, startTestS3Server } from '../storage/testing-s3-server.ts'
import { createTestDatabase } from '../store/testing.ts'
import { createStorage } from './storage.ts'
import { apiOf, dataFolder, isReady, run, urlOf } from './testing-processes.ts'

const KEY = `ffk_${'b'.repeat(40)}`

type Environment = Record<string, string>

/** A system that may be started: its data folder, its key, and perhaps a Postgres of its own. */
const place = async (masterKey: string, more: Environment = {}) => {
  const environment: Environment = {
    FLOWFORGE_DATA_DIR: await dataFolder(),
    FLOWFORGE_PORT: String(await freePort()),
    FLOWFORGE_MASTER_KEY: masterKey,
    FLOWFORGE_BOOTSTRAP_TOKEN: KEY,
    ...more,
  }
  const { storage: where } = readConfig(environment)
  return {
    environment,
    directory: environment.FLOWFORGE_DATA_DIR!,
    api: apiOf(Number(environment.FLOWFORGE_PORT), KEY),
    objects: createStorage(where, createSealing(Buffer.from(masterKey, 'base64'))),
    start: async () => {
      const system = run('all-in-one', environment)
      await isReady(system)
      return system
    },
  }
}

const externalPostgres = async (): Promise<Environment> => {
  const database = await createTestDatabase()
  onTestFinished(database.close)
  return { DATABASE_URL: urlOf(database.superuserConfig) }
}

const backup = async (environment: Environment, ...args: string[]) => {
  const program = run('backup', environment, { args })
  const code = await program.exited
  return { code, said: program.stderr(), answer: code === 0 ? JSON.parse(program.stdout()) : undefined }
}

const masterKey = () => randomBytes(32).toString('base64')

test('a running system comes back from its backup, on another Postgres, and works', async () => {
  const key = masterKey()
  const [original, backups] = [await place(key, { FLOWFORGE_SEAL_AFTER_SECONDS: '0' }), await dataFolder()]
  const first = await original.start()
  const repository = await original.api.addRepository()
  const done = await original.api.submit(repository, 'Do something.')
  await original.api.reaches(done, 'succeeded')
  const running = await original.api.submit(repository, '[dummy: linger]')
  await original.api.reaches(running, 'running')
  await original.objects.put('events/some/thing', Buffer.from('sealed events'))
  const mirror = join(original.directory, 'git', `${repository}.git`)
  const main = (await runGit(['rev-parse', 'main'], { repository: mirror })).stdout.toString().trim()
  // What the job's first attempt has pushed, and one that the rows will not know of.
  for (const attempt of ['attempt-1', 'attempt-2'])
    await runGit(['update-ref', `refs/flowforge/jobs/${running}/${attempt}`, main], { repository: mirror })
  const story = (await original.api.ask(`/jobs/${done}/events`)).body
  // The job is over long enough: its events have left the database.
  const sealed = async () => (await Array.fromAsync(original.objects.list('events/'))).length
  await expect.poll(sealed, { timeout: 30_000 }).toBeGreaterThan(1)

  const made = await backup(original.environment, 'create', '--to', backups)
  expect(made).toMatchObject({ code: 0, answer: { name: expect.stringMatching(/\.ffbackup$/) } })
  expect(made.said).toMatch(/^database: jobs$/m)
  const file = join(backups, made.answer.name)
  expect((await readFile(file)).includes('Do something.')).toBe(false)
  expect(await backup(original.environment, 'list', '--to', backups)).toMatchObject({
    answer: { backups: [{ name: made.answer.name, sizeBytes: made.answer.sizeBytes }] },
  })
  expect(await backup(original.environment, 'verify', file)).toMatchObject({ answer: { repositories: 1 } })
  // The container is of the first system; of the two that have this job from now on, it must not go on there.
  await original.api.ask(`/jobs/${running}/cancel`, {})
  await original.api.reaches(running, 'cancelled')
  await first.end('SIGKILL')

  const copy = await place(key, await externalPostgres())
  expect(await backup(copy.environment, 'restore', file)).toMatchObject({
    code: 0,
    answer: { repositories: 1, objects: expect.any(Number), lostAttempts: 1 },
  })
  const second = await copy.start()
  expect((await copy.api.ask(`/jobs/${done}`)).body.state).toBe('succeeded')
  expect((await copy.api.ask(`/jobs/${done}/events`)).body).toEqual(story)
  expect(await text((await copy.objects.get('events/some/thing'))!)).toBe('sealed events')
  // The attempt that ran then is lost; the job is tried again.
  await copy.api.reaches(running, 'running', 30_000)
  expect((await copy.api.ask(`/jobs/${running}`)).body.attempt).toBe(2)
  const events = (await copy.api.ask(`/jobs/${running}/events`)).body.data
  expect(events.map((event: { type: string }) => event.type)).toContain('attempt.lost')
  const refs = (
    await runGit(['for-each-ref', '--format=%(refname)'], {
      repository: join(copy.directory, 'git', `${repository}.git`),
    })
  ).stdout.toString()
  expect(refs).toBe(`refs/flowforge/jobs/${running}/attempt-1\nrefs/heads/main\n`)
  const clone = await dataFolder()
  const remote = `http://any:${KEY}@127.0.0.1:${copy.environment.FLOWFORGE_PORT}/git/default/sample.git`
  expect(await client(clone, ['clone', '-q', remote, 'it'])).toMatchObject({ exitCode: 0 })
  await copy.api.ask(`/jobs/${running}/cancel`, {})
  await copy.api.reaches(running, 'cancelled')

  // And back: from a Postgres of one's own into the embedded one.
  const again = await backup(copy.environment, 'create', '--to', backups)
  await second.end()
  const last = await place(key)
  expect(await backup(last.environment, 'restore', join(backups, again.answer.name))).toMatchObject({
    code: 0,
  })
  await last.start()
  const more = await last.api.submit(repository, 'Do something more.')
  await last.api.reaches(more, 'succeeded')
  const { body } = await last.api.ask(`/jobs/${more}`)
  expect(body.number).toBe(3)
}, 180_000)

test.skipIf(noS3Server !== null)(
  `backups lie in a bucket as well, and objects in a bucket stay there${noS3Server ? ` (skipped: ${noS3Server})` : ''}`,
  async () => {
    const s3 = await startTestS3Server()
    onTestFinished(s3.close)
    const { FLOWFORGE_STORAGE_URL: url, ...credentials } = s3.environment
    const storage = new URL(url!)
    const [objects, backups] = ['/objects', '/backups'].map(path => {
      storage.pathname = path
      return storage.href
    })
    const bucket = { ...credentials, FLOWFORGE_STORAGE_URL: objects! }
    const key = masterKey()
    const original = await place(key, bucket)
    const system = await original.start()
    const repository = await original.api.addRepository()
    await original.objects.put('sessions/some', Buffer.from('kept in the bucket'))
    const { answer } = await backup(original.environment, 'create', '--to', backups!)
    await system.end()
    const address = new URL(backups!)
    address.pathname += `/${answer.name}`

    const copy = await place(key, bucket)
    expect(await backup(copy.environment, 'restore', address.href)).toMatchObject({
      code: 0,
      answer: { repositories: 1, objects: 0, objectsKeptElsewhere: true },
    })
    expect(await text((await copy.objects.get('sessions/some'))!)).toBe('kept in the bucket')
    await copy.start()
    const job = await copy.api.submit(repository, 'Do something.')
    await copy.api.reaches(job, 'succeeded')
  },
  120_000,
)

test('a damaged, cut or foreign backup changes nothing, and the sentence says which it is', async () => {
  const key = masterKey()
  const original = await place(key)
  const system = await original.start()
  await original.api.addRepository()
  const { answer } = await backup(original.environment, 'create')
  await system.end()
  const file = join(answer.destination, answer.name)
  const target = await place(key)
  const restore = (from: string, environment = target.environment) => backup(environment, 'restore', from)
  const variant = async (change: (path: string) => Promise<void>): Promise<string> => {
    const path = join(await dataFolder(), answer.name)
    await copyFile(file, path)
    await change(path)
    return path
  }

  const bytes = await readFile(file)
  const turned = await variant(async path => {
    const changed = Buffer.from(bytes)
    changed[changed.length - 50]! ^= 1
    await writeFile(path, changed)
  })
  const cut = await variant(path => truncate(path, Math.floor(bytes.length * 0.9)))
  const renamed = await variant(async path => {
    await writeFile(path, bytes.toString('latin1').replace('"version":"', '"version":"9'), 'latin1')
  })
  for (const path of [turned, cut, renamed])
    expect(await restore(path)).toMatchObject({ code: 1, said: expect.stringMatching(/changed or cut/) })
  expect(await restore(await variant(path => writeFile(path, 'hello')))).toMatchObject({
    code: 1,
    said: expect.stringMatching(/does not begin like one/),
  })
  const foreign = { ...target.environment, FLOWFORGE_MASTER_KEY: masterKey() }
  expect(await restore(file, foreign)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/another master key/),
  })
  const { FLOWFORGE_MASTER_KEY: _, ...keyless } = target.environment
  expect(await restore(file, keyless)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/no master key/),
  })
  expect(readdirSync(target.directory)).toEqual([])

  expect(await restore(file)).toMatchObject({ code: 0 })
  expect(await restore(file)).toMatchObject({
    code: 1,
    said: expect.stringMatching(/holds an organization already.*empty data folder/),
  })
}, 120_000)

test('a backup of a newer version is refused before anything is made', async () => {
  const key = masterKey()
  const original = await place(key)
  await (await original.start()).end()
  const postgres = await externalPostgres()
  const newer = await place(key, postgres)
  await (await newer.start()).end()
  const owner = new pg.Client(postgres.DATABASE_URL)
  await owner.connect()
  await owner.query("insert into pgmigrations (name, run_on) values ('9999_future', now())")
  await owner.end()
  const { answer } = await backup(newer.environment, 'create')
  const target = await place(key)
  expect(await backup(target.environment, 'restore', join(answer.destination, answer.name))).toMatchObject({
    code: 1,
    said: expect.stringMatching(/newer FlowForge.*9999_future/),
  })
  expect(readdirSync(target.directory)).toEqual([])
}, 120_000)

test('regular backups are made by one of many workers, and old ones go', async () => {
  const where = await dataFolder()
  const system = await place(masterKey(), {
    ...(await externalPostgres()),
    FLOWFORGE_BACKUP_URL: where,
    // Every second: the sweep looks twice a minute, and what is due at its first look is made at once.
    FLOWFORGE_BACKUP_SCHEDULE: '* * * * * *',
    FLOWFORGE_BACKUP_KEEP: '1',
  })
  const names = () => readdirSync(where).filter(name => name.endsWith('.ffbackup'))
  const first = await system.start()
  run('worker', system.environment)
  await expect.poll(names, { timeout: 40_000 }).toHaveLength(1)
  const before = names()
  await first.end()
  await system.start()
  await expect.poll(names, { timeout: 50_000 }).not.toEqual(before)
  await expect.poll(names, { timeout: 10_000 }).toHaveLength(1)
}, 150_000)

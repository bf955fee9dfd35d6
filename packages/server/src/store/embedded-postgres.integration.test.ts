import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from './embedded-postgres.ts'
import { createTestDatabase } from './testing.ts'

// The first start of a cluster takes a second, more on a loaded machine.
vi.setConfig({ testTimeout: 30_000 })

const STARTER = path.join(import.meta.dirname, 'testing-starter.ts')
const silent = { info: () => {}, warn: () => {} }
const asRoot = process.getuid?.() === 0

let folder: string
let ended: (() => Promise<unknown>)[]

beforeEach(async () => {
  folder = await mkdtemp('/tmp/flowforge-pg-')
  await chmod(folder, 0o777)
  ended = []
})
afterEach(async () => {
  for (const end of ended.reverse()) await end()
  await rm(folder, { recursive: true, force: true })
})

const start = async (options: Partial<EmbeddedPostgresOptions> = {}) => {
  const server = await startEmbeddedPostgres({ dataDirectory: folder, log: silent, ...options })
  ended.push(() => server.stop())
  return server
}

const query = async (config: pg.ClientConfig, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client(config)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const startElsewhere = async (user: { uid?: number; gid?: number } = {}, program = STARTER) => {
  const child = spawn(process.execPath, ['--no-warnings', program, folder], {
    ...user,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  ended.push(() => endChild(child, 'SIGTERM'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const answer: { pid: number; started: boolean; appConfig: pg.ClientConfig } = JSON.parse(line)
  return { ...answer, child }
}

const endChild = async (child: ChildProcess, signal: NodeJS.Signals) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}

const isAlive = (pid: number) =>
  readFile(`/proc/${pid}/cmdline`, 'utf8').then(
    line => line !== '',
    () => false,
  )

describe('a running embedded Postgres', () => {
  let place: string
  let server: EmbeddedPostgres
  beforeAll(async () => {
    place = await mkdtemp('/tmp/flowforge-pg-')
    process.env.FLOWFORGE_TEST_SECRET = 'do-not-inherit'
    server = await startEmbeddedPostgres({ dataDirectory: place, log: silent })
    delete process.env.FLOWFORGE_TEST_SECRET
  })
  afterAll(async () => {
    await server.stop()
    await rm(place, { recursive: true, force: true })
  })

  it('has two unprivileged roles, and a database that one of them owns', async () => {
    const sql = `select current_user as me, rolsuper, rolcreatedb, rolcreaterole, current_setting('data_checksums') as checksums,
      pg_get_userbyid(datdba) as owner, current_setting('listen_addresses') as tcp
      from pg_roles, pg_database where rolname = current_user and datname = current_database()`
    const plain = { rolsuper: false, rolcreatedb: false, rolcreaterole: false, checksums: 'on', tcp: '' }
    const owner = 'flowforge_owner'
    expect(await query(server.appConfig, sql)).toMatchObject([{ me: 'flowforge_app', owner, ...plain }])
    expect(await query(server.ownerConfig, sql)).toMatchObject([{ me: owner, owner, ...plain }])
    await expect(query(server.appConfig, 'create table mine ()')).rejects.toThrow(/permission denied/)
  })

  it('is out of reach for other users of the machine', async () => {
    expect((await stat(server.connection.socketDirectory)).mode & 0o777).toBe(0o700)
  })

  it('got nothing of our environment, and is not root', async () => {
    expect(await readFile(`/proc/${server.pid}/environ`, 'utf8')).not.toContain('do-not-inherit')
    expect((await stat(`/proc/${server.pid}`)).uid).not.toBe(0)
  })
})

describe('the embedded Postgres', () => {
  it('keeps the data over a stop and a start, and leaves nothing running in between', async () => {
    const first = await start()
    await query(first.ownerConfig, 'create table kept as select 42 as answer')
    await first.stop()
    expect(await isAlive(first.pid)).toBe(false)
    await expect(query(first.ownerConfig, 'select')).rejects.toThrow(/ENOENT/)
    const second = await start()
    expect(second.started).toBe(true)
    expect(await query(second.ownerConfig, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('attaches to the server that a killed process left behind', async () => {
    const killed = await startElsewhere()
    await endChild(killed.child, 'SIGKILL')
    expect(await isAlive(killed.pid)).toBe(true)
    const server = await start()
    expect(server).toMatchObject({ pid: killed.pid, started: false })
    await server.stop()
    expect(await isAlive(killed.pid)).toBe(false)
  })

  it('starts once when two starters come at the same time', async () => {
    const servers = await Promise.all([start(), start()])
    expect(servers.filter(server => server.started)).toHaveLength(1)
    expect(new Set(servers.map(server => server.pid)).size).toBe(1)
  })

  it('goes on when one of two users stops, and ends with the last', async () => {
    const other = await startElsewhere()
    const server = await start()
    await server.stop()
    expect(await query(other.appConfig, 'select 1 as one')).toEqual([{ one: 1 }])
    await endChild(other.child, 'SIGTERM')
    expect(await isAlive(other.pid)).toBe(false)
  })

  it('recovers from a crash and from a pid file whose number another program has now', async () => {
    const first = await start()
    await query(first.ownerConfig, 'create table kept as select 42 as answer')
    const pidFile = path.join(folder, 'postgres/data/postmaster.pid')
    const lines = await readFile(pidFile, 'utf8')
    await first.stop()
    await writeFile(pidFile, lines.replace(String(first.pid), String(process.pid)))
    const second = await start()
    expect(await query(second.ownerConfig, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('is started again when it dies under a running process', async () => {
    const server = await start()
    const { pid } = server
    process.kill(pid, 'SIGKILL')
    await vi.waitUntil(() => server.pid !== pid, { timeout: 30_000 })
    expect(await query(server.appConfig, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('uses a short socket path where the data folder has a long one', async () => {
    const deep = path.join(folder, 'long'.repeat(30))
    const server = await start({ dataDirectory: deep })
    expect(await query(server.appConfig, 'select 1 as one')).toEqual([{ one: 1 }])
    await rm(server.connection.socketDirectory, { recursive: true, force: true })
  })

  it('refuses data of another major version and says what to do', async () => {
    await (await start()).stop()
    await writeFile(path.join(folder, 'postgres/data/PG_VERSION'), '17\n')
    await expect(start()).rejects.toThrow(/PostgreSQL 17.*flowforge backup/)
  })

  it('falls back to the PostgreSQL of the system', async context => {
    const options = { dataDirectory: folder, log: silent, packageName: '@embedded-postgres/none' }
    const attempt = await startEmbeddedPostgres(options).catch(error => error)
    if (attempt instanceof Error) {
      expect(attempt.message).toMatch(/install the system's postgresql package, or set DATABASE_URL/)
      return context.skip('this machine has no PostgreSQL of its own; its absence was reported well')
    }
    ended.push(() => attempt.stop())
    expect(await query(attempt.appConfig, 'select 1 as one')).toEqual([{ one: 1 }])
  })
})

describe.runIf(asRoot)('the embedded Postgres, user by user', () => {
  it('says which folder its user can not enter', async () => {
    const closed = path.join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    await expect(start({ dataDirectory: path.join(closed, 'data') })).rejects.toThrow(
      /can not enter .*closed\. Set FLOWFORGE_DATA_DIR/,
    )
  })

  // Below /root, where a checkout or our own Node.js may lie, no other user can start anything.
  it.skipIf(!othersCanStart())('works for an ordinary user', async () => {
    const server = await startElsewhere({ uid: 65534, gid: 65534 })
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(65534)
    await endChild(server.child, 'SIGTERM')
    await expect.poll(() => isAlive(server.pid), { timeout: 5_000 }).toBe(false)
  })
})

describe('a test database', () => {
  it('is a clone of its template, of its own, and gone after the test', async () => {
    let prepared = 0
    const template = {
      version: `of-this-test-${process.pid}`,
      prepare: async (owner: pg.ClientConfig) => {
        prepared++
        await query(owner, 'create table prepared as select 1 as one')
      },
    }
    const [one, two] = [await createTestDatabase(template), await createTestDatabase(template)]
    await query(one.ownerConfig, 'insert into prepared values (2)')
    expect(await query(one.ownerConfig, 'select count(*)::int from prepared')).toEqual([{ count: 2 }])
    expect(await query(two.ownerConfig, 'select count(*)::int from prepared')).toEqual([{ count: 1 }])
    expect(prepared).toBe(1)
    await query(two.superuserConfig, `select 1`)
    await one.close()
    await expect(query(one.ownerConfig, 'select')).rejects.toThrow()
    await two.close()
  })
})

function othersCanStart(): boolean {
  const script = `require('node:fs').readFileSync(${JSON.stringify(import.meta.filename)})`
  return spawnSync(process.execPath, ['-e', script], { uid: 65534, gid: 65534 }).status === 0
}

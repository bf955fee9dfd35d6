// A database for one test file: a quick clone on one embedded cluster that test files share, also across processes.
// The cluster ends with its last user; its folder stays, so that the next run starts in some 30 ms.
import { createHash, randomUUID } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'

export interface TestDatabase {
  ownerConfig: pg.ClientConfig
  appConfig: pg.ClientConfig
  superuserConfig: pg.ClientConfig
  /** Drops the database, also when connections are open, and ends the cluster when nobody else uses it. */
  close(): Promise<void>
}

/** What is done once to the database that tests get clones of; `version` must change when its result does. */
export interface TestTemplate {
  version: string
  prepare(owner: pg.ClientConfig): Promise<void>
}

const EMPTY: TestTemplate = { version: 'empty', prepare: async () => {} }

export const createTestDatabase = async (template: TestTemplate = EMPTY): Promise<TestDatabase> => {
  const cluster = await startEmbeddedPostgres({
    dataDirectory: path.join(tmpdir(), `flowforge-test-${userInfo().uid}`),
    log: { info: () => {}, warn: console.warn },
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' },
  })
  const admin = new pg.Client(cluster.superuserConfig)
  await admin.connect()
  if (cluster.started) await dropLeftovers(admin)
  const source = await ensureTemplate(cluster, admin, template)
  const database = `test_${randomUUID().replaceAll('-', '')}`
  await createDatabase(admin, database, source)
  return {
    ownerConfig: { ...cluster.ownerConfig, database },
    appConfig: { ...cluster.appConfig, database },
    superuserConfig: { ...cluster.superuserConfig, database },
    close: async () => {
      await admin.query(`drop database if exists ${database} with (force)`)
      await admin.end()
      await cluster.stop()
    },
  }
}

const createDatabase = async (admin: pg.Client, name: string, template: string) => {
  await admin.query(`create database ${name} template ${template} owner flowforge_owner`)
  // A clone has its template's tables, but not its rights.
  await admin.query(
    `revoke all on database ${name} from public; grant connect on database ${name} to flowforge_app`,
  )
}

const ensureTemplate = async (cluster: EmbeddedPostgres, admin: pg.Client, template: TestTemplate) => {
  const name = `template_${createHash('sha256').update(template.version).digest('hex').slice(0, 16)}`
  await admin.query('select pg_advisory_lock(hashtext($1))', [name])
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
  if (!rowCount) {
    const unfinished = `unfinished_${name}`
    await admin.query(`drop database if exists ${unfinished} with (force)`)
    await createDatabase(admin, unfinished, 'template1')
    await template.prepare({ ...cluster.ownerConfig, database: unfinished })
    await admin.query(`alter database ${unfinished} rename to ${name}`)
  }
  await admin.query('select pg_advisory_unlock(hashtext($1))', [name])
  return name
}

/** Databases of test runs that were killed: nobody can use them, since the cluster was not running. */
const dropLeftovers = async (admin: pg.Client) => {
  const { rows } = await admin.query<{ datname: string }>(
    "select datname from pg_database where datname like 'test\\_%'",
  )
  for (const { datname } of rows) await admin.query(`drop database if exists ${datname}`)
}

// The Postgres of the benchmark: FlowForge's own embedded one with the settings that it ships with, fsync included, in a
// folder that goes afterwards; a database for each part.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../packages/server/src/store/embedded-postgres.ts'
import { migrate } from '../../packages/server/src/store/migrate.ts'

export interface Cluster {
  directory: string
  /** An empty database that belongs to its user. */
  createDatabase(name: string): Promise<DatabaseRoles>
  /** One with FlowForge's tables. */
  createFlowForge(name: string): Promise<DatabaseRoles>
  stop(): Promise<void>
}

export interface DatabaseRoles {
  owner: pg.ClientConfig
  app: pg.ClientConfig
  /** For a process that is given one address and takes the application's role by itself. */
  superuser: pg.ClientConfig
}

export async function startCluster(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'ffb-'))
  // Postgres runs as another user and has to pass.
  await chmod(directory, 0o711)
  const cluster = await startEmbeddedPostgres({
    dataDirectory: directory,
    log: { info: () => {}, warn: console.warn },
  })
  const createDatabase = async (database: string) => {
    const admin = new pg.Client({ ...cluster.superuserConfig })
    await admin.connect()
    await admin.query(`create database ${database} owner flowforge_owner`)
    await admin.end()
    return {
      owner: { ...cluster.ownerConfig, database },
      app: { ...cluster.appConfig, database },
      superuser: { ...cluster.superuserConfig, database },
    }
  }
  return {
    directory,
    createDatabase,
    createFlowForge: async name => {
      const database = await createDatabase(name)
      await migrate(database.owner)
      return database
    },
    stop: async () => {
      await cluster.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

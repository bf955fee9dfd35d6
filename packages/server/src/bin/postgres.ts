// The Postgres that the configuration names: the team's own, or the embedded one, started or joined.
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts'
import { asAppRole } from '../store/migrate.ts'

export interface Postgres {
  owner: pg.ClientConfig
  app: pg.PoolConfig
  stop(): Promise<void>
}

export async function connectPostgres(config: Config, log: Logger): Promise<Postgres> {
  if (config.databaseUrl) {
    const owner = { connectionString: config.databaseUrl }
    return { owner, app: asAppRole(owner), stop: async () => {} }
  }
  const embedded = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, log })
  return { owner: embedded.ownerConfig, app: embedded.appConfig, stop: embedded.stop }
}

// Brings the database to this version's tables, as the owner's role. Safe to run from several processes at once.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { FlowForgeError } from '../errors.ts'

const DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url))
const APP_ROLE = 'flowforge_app'
const MIGRATION_LOCK = 7_420_003

/** Returns the names of the migrations that were applied. `owner` connects as the role that owns the tables. */
export async function migrate(owner: pg.ClientConfig): Promise<string[]> {
  const client = await connect(owner)
  try {
    if ((await missingMigrations(client)).length === 0) return []
    // Of several first starts one does it; the others wait here and find it done.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const missing = await missingMigrations(client)
    if (missing.length === 0) return []
    await ensureAppRole(client)
    // Loaded only when there is something to do: most starts have nothing.
    const { runner } = await import('node-pg-migrate')
    await runner({
      dbClient: client,
      dir: DIRECTORY,
      direction: 'up',
      migrationsTable: 'pgmigrations',
      singleTransaction: true,
      log: () => {},
    })
    return missing
  } catch (error) {
    throw new FlowForgeError(
      'config_invalid',
      `The database could not be brought to this version: ${(error as Error).message}. Nothing was changed; the previous version keeps working with it.`,
      { cause: error },
    )
  } finally {
    await client.end()
  }
}

async function connect(owner: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, ...owner })
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    throw new FlowForgeError(
      'database_unavailable',
      `Postgres can not be reached: ${(error as Error).message || (error as NodeJS.ErrnoException).code}. Start it, or check DATABASE_URL.`,
      { cause: error },
    )
  }
}

async function missingMigrations(client: pg.Client): Promise<string[]> {
  const known = readdirSync(DIRECTORY)
    .filter(name => name.endsWith('.sql'))
    .map(name => name.slice(0, -4))
    .sort()
  const table = await client.query<{ found: string | null }>(
    `select to_regclass('public.pgmigrations') as found`,
  )
  if (!table.rows[0]?.found) return known
  const applied = new Set(
    (await client.query<{ name: string }>('select name from pgmigrations')).rows.map(row => row.name),
  )
  return known.filter(name => !applied.has(name))
}

/** The role the application works as: neither superuser nor owner, so that row-level security binds it. */
async function ensureAppRole(client: pg.Client): Promise<void> {
  await client.query(`do $$ begin
    if not exists (select from pg_roles where rolname = '${APP_ROLE}') then
      create role ${APP_ROLE} nologin;
      grant ${APP_ROLE} to current_user;
    end if;
  end $$`)
}

/** How the application connects where only the owner's address is known: as the owner, then at once as the app role. */
export const asAppRole = (owner: pg.PoolConfig): pg.PoolConfig => ({
  ...owner,
  options: `-c role=${APP_ROLE}`,
})

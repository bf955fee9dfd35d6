// Brings the database to this version's tables, as the owner's role. Safe to run from several processes at once, and
// beside processes of the version before: each migration is one transaction, and none waits long for a lock.
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { FlowForgeError } from '../errors.ts'
import { appliedMigrations, knownMigrations, levelOf, type Migration, requireCompatible } from './schema.ts'

const APP_ROLE = 'flowforge_app'
const MIGRATION_LOCK = 7_420_003
/**
 * A change of a table waits for the transactions that read it, and everybody else waits behind it. So it gives up soon
 * and comes again, instead of standing in everybody's way while a backup reads.
 */
const LOCK_TIMEOUT_MS = 2_000
const LOCK_TRIES = 30
const LOCK_PAUSE_MS = 1_000
/** PostgreSQL documentation, appendix A: lock_not_available, deadlock_detected. */
const LOCK_TROUBLE = new Set(['55P03', '40P01'])

export interface MigrateOptions {
  /** Where the SQL files lie; tests have others. */
  directory?: string
  /** Only these: a restore stops where the backup was made. */
  only?: ReadonlySet<string>
}

/** Returns the names of the migrations that were applied. `owner` connects as the role that owns the tables. */
export async function migrate(
  owner: pg.ClientConfig,
  { directory, only }: MigrateOptions = {},
): Promise<string[]> {
  const known = knownMigrations(directory).filter(({ name }) => only?.has(name) ?? true)
  const client = await connect(owner)
  try {
    await requireCompatible(client, Math.max(...known.map(({ name }) => levelOf(name))))
    if ((await missingOf(client, known)).length === 0) return []
    // Of several first starts one does it; the others wait here and find it done.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const missing = await missingOf(client, known)
    if (missing.length > 0) await prepare(client)
    for (const migration of missing) await apply(client, migration)
    return missing.map(({ name }) => name)
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

async function missingOf(client: pg.Client, known: Migration[]): Promise<Migration[]> {
  const applied = new Set(await appliedMigrations(client))
  return known.filter(({ name }) => !applied.has(name))
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  const sql = await migration.sql()
  for (let tries = 1; ; tries += 1) {
    try {
      await client.query(`begin; set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      await client.query(sql)
      await client.query('insert into pgmigrations (name, run_on) values ($1, now())', [migration.name])
      await client.query('commit')
      return
    } catch (error) {
      await client.query('rollback').catch(() => {})
      const isLocked = error instanceof pg.DatabaseError && LOCK_TROUBLE.has(error.code ?? '')
      if (!isLocked || tries === LOCK_TRIES) throw failed(migration.name, error, isLocked)
      await delay(LOCK_PAUSE_MS)
    }
  }
}

const failed = (name: string, error: unknown, isLocked: boolean): FlowForgeError =>
  new FlowForgeError(
    'migration_failed',
    `The database could not be brought to this version: migration ${name} failed (${(error as Error).message}). It changed nothing, and the version before goes on working with this database: keep that one running, ${
      isLocked
        ? 'and start this one again when no long transaction (a backup, an open psql) holds the tables.'
        : 'and report this with the sentence in brackets.'
    }`,
    { cause: error, details: { migration: name } },
  )

/** The table as the library made it that ran the first migrations; versions that still use it read it. */
async function prepare(client: pg.Client): Promise<void> {
  try {
    await ensureAppRole(client)
    await client.query(
      'create table if not exists pgmigrations (id serial primary key, name varchar(255) not null, run_on timestamp not null)',
    )
  } catch (error) {
    throw failed('0000 (role and list of migrations)', error, false)
  }
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

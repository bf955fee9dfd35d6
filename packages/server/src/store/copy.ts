// SQL of backup and restore: whole tables as streams, in one snapshot out and in one transaction in. Works as the owner, whom
// row-level security does not bind; it names no column, so that a new table or column needs nothing here.
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

/** What is of this moment and this place alone, and therefore in no backup. */
const LEFT_OUT: Record<string, string> = {
  pgmigrations: 'written by the migrations themselves',
  schema_compatibility: 'written by the migrations themselves',
  installation: 'a restored system is another one: the containers of the first are not its own',
  workers: 'processes that run now',
  backups: 'what was backed up where is known of this installation alone',
  outbox: 'hints only; a sweep rings for every job that waits',
  known_brokers: 'the brokers of this installation',
  live_tickets: 'worth something for a minute',
  session: 'whoever was signed in signs in again: what was revoked since must not come back',
  verification: 'links and codes that were given out are worth nothing any more',
}

export interface TableInfo {
  name: string
  columns: string[]
}

/** Of the open transaction's snapshot. */
export async function listTables(client: pg.Client): Promise<TableInfo[]> {
  const { rows } = await client.query<TableInfo>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and c.relname <> all($1)
     group by c.relname order by c.relname`,
    [Object.keys(LEFT_OUT)],
  )
  return rows
}

/** One view of everything, however long the reading takes and whatever is written meanwhile. */
export async function openSnapshot(owner: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(owner)
  client.on('error', () => {})
  await client.connect()
  await client.query('begin isolation level repeatable read, read only')
  return client
}

const named = ({ name, columns }: TableInfo): string =>
  `${pg.escapeIdentifier(name)} (${columns.map(pg.escapeIdentifier).join(', ')})`

/** In COPY's text form, which every version of Postgres reads. */
export const copyOut = (client: pg.Client, table: TableInfo): Readable =>
  client.query(copyTo(`copy ${named(table)} to stdout`))

/** Returns the number of rows. */
export async function copyIn(client: pg.Client, table: TableInfo, rows: AsyncIterable<Uint8Array>) {
  const sink = client.query(copyFrom(`copy ${named(table)} from stdin`))
  await pipeline(rows, sink)
  return sink.rowCount
}

export interface SequenceValue {
  name: string
  value: string
}

export async function readSequences(client: pg.Client): Promise<SequenceValue[]> {
  const { rows } = await client.query<SequenceValue>(
    `select sequencename::text as name, last_value::text as value from pg_sequences
     where schemaname = 'public' and last_value is not null and sequencename <> 'pgmigrations_id_seq'`,
  )
  return rows
}

/** Where the schema has grown since the backup, a table keeps what only the newer one has. */
export async function setSequences(client: pg.Client, values: SequenceValue[]): Promise<void> {
  for (const { name, value } of values)
    await client.query('select setval(to_regclass($1), $2) where to_regclass($1) is not null', [
      `public.${pg.escapeIdentifier(name)}`,
      value,
    ])
}

/** Whether anybody has begun to use this database. One without tables is empty. */
export async function isUnused(client: pg.Client): Promise<boolean> {
  for (const name of ['organization', 'user', 'repositories', 'jobs']) {
    const table = `public.${pg.escapeIdentifier(name)}`
    const { rows } = await client.query('select to_regclass($1) as found', [table])
    if (rows[0].found === null) continue
    if ((await client.query(`select from ${table} limit 1`)).rowCount !== 0) return false
  }
  return true
}

/**
 * Loads tables in any order: references are taken off meanwhile and checked when they are put back, and what a trigger
 * would do was done when the rows were first written.
 */
export async function whileUnbound<T>(
  client: pg.Client,
  tables: TableInfo[],
  load: () => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ on: string; name: string; definition: string }>(
    `select conrelid::regclass::text as on, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0`,
  )
  const names = tables.map(({ name }) => pg.escapeIdentifier(name))
  for (const { on, name } of rows) await client.query(`alter table ${on} drop constraint ${name}`)
  for (const name of names) await client.query(`alter table ${name} disable trigger user`)
  if (names.length > 0) await client.query(`truncate table ${names.join(', ')}`)
  const loaded = await load()
  for (const name of names) await client.query(`alter table ${name} enable trigger user`)
  for (const { on, name, definition } of rows)
    await client.query(`alter table ${on} add constraint ${name} ${definition}`)
  return loaded
}

/**
 * The workers that held these attempts are not of this system: their leases are over, and nobody can adopt what has no
 * place. The usual recovery ends them as lost; returns how many.
 */
export async function endLeases(client: pg.Client): Promise<number> {
  const { rowCount } = await client.query(
    `update attempts set lease_expires_at = now() - interval '1 day', place = null where ended_at is null`,
  )
  return rowCount ?? 0
}

// Which migrations this version brings, which the database has, and whether the two can work together.
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { FlowForgeError } from '../errors.ts'

const DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url))

export interface Migration {
  name: string
  sql(): Promise<string>
}

/** In the order in which they are applied. */
export const knownMigrations = (directory: string = DIRECTORY): Migration[] =>
  readdirSync(directory)
    .filter(file => file.endsWith('.sql'))
    .toSorted()
    .map(file => ({ name: file.slice(0, -4), sql: () => readFile(join(directory, file), 'utf8') }))

/** The number of a migration: `0011_backup` is 11. */
export const levelOf = (name: string): number => Number.parseInt(name, 10)

/** The newest migration that this version knows. */
export const SCHEMA_LEVEL = Math.max(...knownMigrations().map(({ name }) => levelOf(name)))

/**
 * The newest migration of the last release: raise it with each release. What is newer may only add, or marks itself as a
 * contract step (migrations.test.ts), and is tested beside the processes of that release (e2e/versions).
 */
export const RELEASED_LEVEL = 4

type Queryable = Pick<pg.Client, 'query'>

export async function appliedMigrations(client: Queryable): Promise<string[]> {
  if (!(await hasTable(client, 'pgmigrations'))) return []
  const { rows } = await client.query<{ name: string }>('select name from pgmigrations order by name')
  return rows.map(({ name }) => name)
}

/**
 * A newer version may have migrated this database already. Migrations only add, so this version goes on working with
 * it, until one takes away what this version needs: that one has raised the oldest level.
 */
export async function requireCompatible(client: Queryable, level: number): Promise<void> {
  if (!(await hasTable(client, 'schema_compatibility'))) return
  const { rows } = await client.query<{ oldest_level: number }>(
    'select oldest_level from schema_compatibility',
  )
  const oldest = rows[0]?.oldest_level ?? 0
  if (oldest <= level) return
  throw new FlowForgeError(
    'version_unsupported',
    `A newer FlowForge has changed this database: it needs a version that knows migration ${oldest}, this one knows up to ${level}. Start the newer version; this one would damage data.`,
  )
}

async function hasTable(client: Queryable, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: string | null }>('select to_regclass($1) as found', [
    `public.${name}`,
  ])
  return rows[0]?.found != null
}

// The only way to Postgres: transactions that carry the organization they may see (row-level security enforces it).
// Knows connections and transactions; the SQL stands in one file per noun beside this one.
import pg from 'pg'
import type { Sql } from 'sql-template-tag'
import { FlowForgeError } from '../errors.ts'

// int8 and numeric come as strings by default; every count and amount of FlowForge fits a double.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)
types.setTypeParser(pg.types.builtins.NUMERIC, Number)

export interface Transaction {
  all<Row extends object>(query: Sql): Promise<Row[]>
  first<Row extends object>(query: Sql): Promise<Row | undefined>
  /** Number of rows that were written. */
  run(query: Sql): Promise<number>
  /**
   * Called once the transaction has committed, before whoever waits for it goes on; never after a rollback, and never when
   * the process dies in between: for hints alone. Must not throw, and nobody waits for what it starts.
   */
  afterCommit(act: () => void): void
}

export interface Database {
  readonly pool: pg.Pool
  /** Sees and writes the rows of one organization. */
  inOrganization<T>(organizationId: string, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** For the worker, the sweeper and sign-in, which serve all organizations. Never behind a request's parameters. */
  acrossOrganizations<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const EVERY_ORGANIZATION = '*'

export function createDatabase(connection: pg.PoolConfig): Database {
  const pool = new pg.Pool({
    max: 16,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    types,
    ...connection,
  })
  // An idle connection that breaks is dropped from the pool; the next query opens another.
  pool.on('error', () => {})
  // One that breaks in use fails its query, or the next one; the pool does not listen to it meanwhile, and an `error`
  // that nobody hears would end the process.
  pool.on('connect', client => void client.on('error', () => {}))

  const transact = async <T>(scope: string, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const client = await connect(pool)
    const afterwards: Array<() => void> = []
    try {
      await client.query(
        `begin; select set_config('flowforge.organization', ${client.escapeLiteral(scope)}, true)`,
      )
      const result = await work(transactionOn(client, act => void afterwards.push(act)))
      await client.query('commit')
      client.release()
      // Not called here: what one of them throws must not look like a transaction that failed.
      for (const act of afterwards) queueMicrotask(act)
      return result
    } catch (error) {
      const broken = await client.query('rollback').then(
        () => false,
        () => true,
      )
      client.release(broken)
      throw named(error)
    }
  }

  return {
    pool,
    inOrganization: (organizationId, work) => {
      if (organizationId === EVERY_ORGANIZATION || organizationId === '')
        throw new FlowForgeError('not_allowed')
      return transact(organizationId, work)
    },
    acrossOrganizations: work => transact(EVERY_ORGANIZATION, work),
    close: () => pool.end(),
  }
}

function transactionOn(client: pg.PoolClient, afterCommit: Transaction['afterCommit']): Transaction {
  const ask = <Row extends object>({ text, values }: Sql) =>
    client.query<Row>({ text, values: values.map(storable) })
  return {
    all: async <Row extends object>(query: Sql) => (await ask<Row>(query)).rows,
    first: async <Row extends object>(query: Sql) => (await ask<Row>(query)).rows[0],
    run: async query => (await ask(query)).rowCount ?? 0,
    afterCommit,
  }
}

/**
 * No text can make a write fail: Postgres has no NUL in text (documentation, datatype-character) and no half of a
 * surrogate pair in jsonb. U+2400 and U+FFFD show where one was.
 */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\u2400').toWellFormed()
  if (Array.isArray(value)) return value.map(storable)
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'string' ? storable(part) : part))
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw named(error)
  }
}

/** SQLSTATE classes 08 (connection), 53 (resources), 57P (shutdown): PostgreSQL documentation, appendix A. */
const UNAVAILABLE = /^(08|53|57P)/
const UNAVAILABLE_ERRNO = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'])

function named(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === '53100')
    return new FlowForgeError('disk_full', 'The database has no space left. Free space on its disk.', {
      cause: error,
    })
  const lost = /Connection terminated|timeout exceeded when trying to connect|Client has encountered/.test(
    error.message,
  )
  if (UNAVAILABLE.test(code) || UNAVAILABLE_ERRNO.has(code) || lost) {
    return new FlowForgeError(
      'database_unavailable',
      'Postgres does not answer. Nothing was lost; try again shortly.',
      { cause: error },
    )
  }
  return error
}

export const isUniqueViolation = (error: unknown, constraint: string): boolean =>
  error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint

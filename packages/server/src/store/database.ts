// The only way to Postgres: transactions that carry the organization they may see (row-level security enforces it).
// Knows connections and transactions; the SQL stands in one file per noun beside this one.
import pg from 'pg'
import sql, { type Sql } from 'sql-template-tag'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { createConnections } from './connections.ts'
import { nameOutage } from './outage.ts'

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
  /**
   * Sees and writes the rows of one organization. `work` may be run a second time after a rollback: it must do nothing but
   * ask the database through `tx`.
   */
  inOrganization<T>(organizationId: string, work: (tx: Transaction) => Promise<T>): Promise<T>
  /** For the worker, the sweeper and sign-in, which serve all organizations. Never behind a request's parameters. */
  acrossOrganizations<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const EVERY_ORGANIZATION = '*'
/** A plan that is kept for all organizations would read a big one's rows on the way to a small one's. */
const PLAN_FOR_THIS_ONE = 'set local plan_cache_mode = force_custom_plan; '

export function createDatabase(connection: pg.PoolConfig): Database {
  const connections = createConnections(connection)

  const transact = async <T>(scope: string, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    try {
      return await transactOnce(scope, work)
    } catch (error) {
      if (!isOutdated(error)) throw error
      return transactOnce(scope, work)
    }
  }
  const transactOnce = async <T>(scope: string, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const client = await connections.take()
    const afterwards: Array<() => void> = []
    try {
      await client.query(
        `begin; ${scope === EVERY_ORGANIZATION ? '' : PLAN_FOR_THIS_ONE}select set_config('flowforge.organization', ${client.escapeLiteral(scope)}, true)`,
      )
      const result = await work(transactionOn(client, act => void afterwards.push(act)))
      await client.query('commit')
      connections.release(client)
      // Not called here: what one of them throws must not look like a transaction that failed.
      for (const act of afterwards) queueMicrotask(act)
      return result
    } catch (thrown) {
      const error = nameOutage(thrown)
      // Nobody answers there: the server rolls back by itself when the connection ends.
      const failure = isFlowForgeError(error, 'database_unavailable')
        ? error
        : await client.query('rollback').then(() => undefined, nameOutage)
      connections.release(client, isOutdated(error) ? error : failure)
      throw error
    }
  }

  return {
    pool: connections.pool,
    inOrganization: (organizationId, work) => {
      if (organizationId === EVERY_ORGANIZATION || organizationId === '')
        throw new FlowForgeError('not_allowed')
      return transact(organizationId, work)
    },
    acrossOrganizations: work => transact(EVERY_ORGANIZATION, work),
    close: connections.close,
  }
}

function transactionOn(client: pg.PoolClient, afterCommit: Transaction['afterCommit']): Transaction {
  // One after the other, also when several works share the transaction: the driver is to be asked when it has answered.
  let before: Promise<unknown> = Promise.resolve()
  const ask = <Row extends object>({ text, values }: Sql) => {
    const query = { name: nameOf(text), text, values: values.map(storable) }
    const answer = before.then(() => client.query<Row>(query))
    before = answer.catch(() => {})
    return answer
  }
  return {
    all: async <Row extends object>(query: Sql) => (await ask<Row>(query)).rows,
    first: async <Row extends object>(query: Sql) => (await ask<Row>(query)).rows[0],
    run: async query => (await ask(query)).rowCount ?? 0,
    afterCommit,
  }
}

const names = new Map<string, string>()

/**
 * A migration of a newer version has given a table another column, and a statement's answer was agreed on before: this
 * happens once to each connection, before anything was written under the new plan. Nothing is committed.
 */
const isOutdated = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '0A000' && error.message.includes('cached plan')

/** Under a name Postgres reads and plans a statement once for each connection, which costs more than to run most of ours. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size}`
  names.set(text, name)
  return name
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

/** Throws `database_unavailable` when it does not answer. */
export const assertAnswers = async (database: Database): Promise<void> => {
  await database.acrossOrganizations(tx => tx.first(sql`select 1 as one`))
}

export const isUniqueViolation = (error: unknown, constraint: string): boolean =>
  error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint

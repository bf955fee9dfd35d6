// Connections to Postgres, and which of them can still be trusted: after a cut cable or a failover an open connection
// may lead nowhere, or to a server that only reads. Knows nothing of transactions.
import pg from 'pg'
import { FlowForgeError } from '../errors.ts'
import { nameOutage } from './outage.ts'

// int8 and numeric come as strings by default; every count and amount of FlowForge fits a double.
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)
types.setTypeParser(pg.types.builtins.NUMERIC, Number)

export interface Connections {
  readonly pool: pg.Pool
  /** Throws `database_unavailable`. Give it back with `release`. */
  take(): Promise<pg.PoolClient>
  /** `failure`: what shows that it can't be used again. */
  release(client: pg.PoolClient, failure?: unknown): void
  close(): Promise<void>
}

/** No statement of FlowForge takes as long; the server gives up a little before the client does. */
const STATEMENT_LIMIT_MS = 14_000
const ANSWER_LIMIT_MS = 15_000
/**
 * A process that is frozen or cut off within a transaction holds locks that others wait for, the claim's among them: the
 * server ends such a transaction by itself.
 */
const SILENCE_LIMIT_MS = 5_000

export function createConnections(connection: pg.PoolConfig): Connections {
  const pool = new pg.Pool({
    max: 16,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    types,
    statement_timeout: STATEMENT_LIMIT_MS,
    query_timeout: ANSWER_LIMIT_MS,
    idle_in_transaction_session_timeout: SILENCE_LIMIT_MS,
    onConnect: refuseStandby,
    ...connection,
  })
  // An idle connection that breaks is dropped from the pool; the next query opens another.
  pool.on('error', () => {})
  // One that breaks in use fails its query, or the next one; the pool does not listen to it meanwhile, and an `error`
  // that nobody hears would end the process.
  pool.on('connect', client => void client.on('error', () => {}))

  // Where one connection leads nowhere, those that were opened before it do neither: each would cost its user a wait.
  let era = 0
  const eras = new WeakMap<pg.PoolClient, number>()
  pool.on('connect', client => void eras.set(client as pg.PoolClient, era))

  const take = async (): Promise<pg.PoolClient> => {
    for (;;) {
      const client = await pool.connect().catch(error => Promise.reject(nameOutage(error)))
      if (eras.get(client) === era) return client
      client.release(true)
    }
  }
  return {
    pool,
    take,
    release: (client, failure) => {
      // What one connection could not do, none that was opened before it can.
      if (failure !== undefined && eras.get(client) === era) era += 1
      client.release(failure !== undefined)
    },
    close: () => pool.end(),
  }
}

/** `target_session_attrs=read-write` of libpq, which node-postgres does not know. */
async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('select pg_is_in_recovery() as standby')
  if (!rows[0]?.standby) return
  throw new FlowForgeError(
    'database_unavailable',
    'Postgres is a standby that was not promoted. Nothing was lost; try again shortly.',
  )
}

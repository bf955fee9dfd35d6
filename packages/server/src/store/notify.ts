// Telling other processes by NOTIFY, outside of the transactions that it tells of: a transaction that notifies commits
// alone, behind a lock of the whole database (PostgreSQL's async.c, PreCommit_Notify), and takes a statement more.
import type pg from 'pg'

/**
 * One statement for all. NOTIFY carries at most 8000 bytes each: PostgreSQL documentation, sql-notify. It waits for no disk:
 * what a crash of Postgres loses is lost with every connection that listens.
 */
export const notifyAll = (pool: pg.Pool, channel: string, payloads: string[]): Promise<unknown> =>
  pool.query(
    `with at_once as materialized (select set_config('synchronous_commit', 'off', true))
     select pg_notify($1, payload) from at_once, unnest($2::text[]) as payload`,
    [channel, payloads],
  )

/** What takes longer is lost: hints that follow must not wait behind a connection that is half-open. */
const PATIENCE_MS = 5_000

/**
 * Calls `send` soon after each call of `tell`, and never twice at a time: what is told while it runs is sent together by the
 * next run. A failure is the loss of hints, which pollers make up for.
 */
export function createTeller(send: () => Promise<unknown>) {
  let wanted = false
  let running: Promise<void> | null = null
  const run = async (): Promise<void> => {
    while (wanted) {
      wanted = false
      await withPatience(send()).catch(() => {})
    }
    running = null
  }
  return {
    tell: (): void => {
      wanted = true
      // Not at once: what the same turn of the event loop has to tell goes along.
      running ??= new Promise<void>(resolve => void setImmediate(resolve)).then(run)
    },
    /** Resolves when what was told is sent. */
    close: async (): Promise<void> => {
      await running
    },
  }
}

async function withPatience(sending: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const patience = setTimeout(() => reject(new Error('not sent in time')), PATIENCE_MS)
  try {
    await Promise.race([sending, promise])
  } finally {
    clearTimeout(patience)
  }
}

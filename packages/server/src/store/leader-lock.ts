// Which process leads: an advisory lock of Postgres on a connection of its own, so that it ends with whoever has it.
import pg from 'pg'

/** Of the process that sweeps for all. */
export const SWEEPER_LOCK = 7_420_005

export interface LeaderLock {
  /** Whether this process leads; asks for the lead when nobody has it. Ask again within `silenceMs`, or it is taken away. */
  hold(): Promise<boolean>
  release(): Promise<void>
}

/**
 * A process that was killed leads no longer, because its connection is gone. One that is frozen, or whose network was cut,
 * keeps its connection: there Postgres itself ends the session that said nothing for `silenceMs` (`idle_session_timeout`,
 * PostgreSQL 14). Only ever a hint, then: what the leader does must do no harm when two do it.
 */
export function createLeaderLock(
  connection: pg.ClientConfig,
  { key, silenceMs }: { key: number; silenceMs: number },
): LeaderLock {
  let client: pg.Client | null = null
  let leads = false

  const drop = (dropped: pg.Client): void => {
    if (client === dropped) {
      client = null
      leads = false
    }
    void dropped.end().catch(() => {})
  }
  const connect = async (): Promise<pg.Client> => {
    const next = new pg.Client({
      ...connection,
      keepAlive: true,
      connectionTimeoutMillis: silenceMs,
      query_timeout: Math.ceil(silenceMs / 2),
    })
    next.on('error', () => drop(next))
    next.on('end', () => drop(next))
    try {
      await next.connect()
      await next.query(`set application_name = 'flowforge leader'; set idle_session_timeout = ${silenceMs}`)
    } catch (error) {
      drop(next)
      throw error
    }
    client = next
    return next
  }

  return {
    hold: async () => {
      const current = client ?? (await connect())
      try {
        const question = leads ? 'select true as mine' : `select pg_try_advisory_lock(${key}) as mine`
        const { rows } = await current.query<{ mine: boolean }>(question)
        leads = client === current && rows[0]?.mine === true
        return leads
      } catch (error) {
        drop(current)
        throw error
      }
    },
    release: async () => {
      const last = client
      client = null
      leads = false
      await last?.end().catch(() => {})
    },
  }
}

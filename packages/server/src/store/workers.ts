// SQL of workers: who is alive, by the database's clock.
import { RUNNER_PROTOCOL_VERSION } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import { SCHEMA_LEVEL } from './schema.ts'

export interface WorkerRow {
  id: string
  version: string
  executor: string
  host: string
  pid: number
  concurrency: number
  draining: boolean
  facts: Record<string, string>
  spares: string[]
  started_at: Date
  heartbeat_at: Date
  /** The newest migration that it knows, and the runner protocol that it speaks; null: older than this was told. */
  schema_level: number | null
  protocol_version: number | null
}

export const registerWorker = (
  tx: Transaction,
  worker: Pick<WorkerRow, 'id' | 'version' | 'executor' | 'host' | 'pid' | 'concurrency' | 'facts'>,
): Promise<number> =>
  tx.run(sql`
    insert into workers (id, version, executor, host, pid, concurrency, facts, schema_level, protocol_version)
    values (${worker.id}, ${worker.version}, ${worker.executor}, ${worker.host}, ${worker.pid}, ${worker.concurrency},
            ${worker.facts}, ${SCHEMA_LEVEL}, ${RUNNER_PROTOCOL_VERSION})`)

export const heartbeat = (
  tx: Transaction,
  id: string,
  now: { draining: boolean; spares: string[] },
): Promise<number> =>
  tx.run(sql`
    update workers set heartbeat_at = now(), draining = ${now.draining}, spares = ${now.spares}::uuid[] where id = ${id}`)

/** Those of `among` that a live worker keeps for its next job. */
export const listSpareIds = async (tx: Transaction, among: string[]): Promise<string[]> =>
  (
    await tx.all<{ id: string }>(sql`
    select distinct s.id from workers, unnest(spares) as s (id) where s.id = any(${among}::uuid[])`)
  ).map(row => row.id)

export const removeWorker = (tx: Transaction, id: string): Promise<number> =>
  tx.run(sql`delete from workers where id = ${id}`)

export const listLiveWorkers = (tx: Transaction, silentAfterSeconds: number): Promise<WorkerRow[]> =>
  tx.all(sql`
    select * from workers where heartbeat_at > now() - make_interval(secs => ${silentAfterSeconds})
    order by started_at`)

export const forgetSilentWorkers = (tx: Transaction, silentAfterSeconds: number): Promise<number> =>
  tx.run(sql`delete from workers where heartbeat_at < now() - make_interval(secs => ${silentAfterSeconds})`)

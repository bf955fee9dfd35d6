// SQL of workers: who is alive, by the database's clock.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface WorkerRow {
  id: string
  version: string
  executor: string
  host: string
  pid: number
  concurrency: number
  draining: boolean
  facts: Record<string, string>
  started_at: Date
  heartbeat_at: Date
}

export const registerWorker = (
  tx: Transaction,
  worker: Omit<WorkerRow, 'started_at' | 'heartbeat_at' | 'draining'>,
): Promise<number> =>
  tx.run(sql`
    insert into workers (id, version, executor, host, pid, concurrency, facts)
    values (${worker.id}, ${worker.version}, ${worker.executor}, ${worker.host}, ${worker.pid}, ${worker.concurrency}, ${worker.facts})`)

export const heartbeat = (tx: Transaction, id: string, draining: boolean): Promise<number> =>
  tx.run(sql`update workers set heartbeat_at = now(), draining = ${draining} where id = ${id}`)

export const removeWorker = (tx: Transaction, id: string): Promise<number> =>
  tx.run(sql`delete from workers where id = ${id}`)

export const listLiveWorkers = (tx: Transaction, silentAfterSeconds: number): Promise<WorkerRow[]> =>
  tx.all(sql`
    select * from workers where heartbeat_at > now() - make_interval(secs => ${silentAfterSeconds})
    order by started_at`)

export const forgetSilentWorkers = (tx: Transaction, silentAfterSeconds: number): Promise<number> =>
  tx.run(sql`delete from workers where heartbeat_at < now() - make_interval(secs => ${silentAfterSeconds})`)

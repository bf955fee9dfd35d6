// SQL of the outbox: rings that a broker has not confirmed yet; and of the brokers that this installation knows.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface OutboxRow {
  id: number
  job_id: string
}

/** A ring that is not to wait is its writer's for so long, and the sweep's afterwards. */
const WRITERS_SECONDS = 2

export const insertRings = (tx: Transaction, jobIds: string[], delayMs: number): Promise<OutboxRow[]> =>
  tx.all(sql`
    insert into outbox (job_id, organization_id, due_at)
    select id, organization_id, now() + make_interval(secs => ${delayMs > 0 ? delayMs / 1000 : WRITERS_SECONDS})
    from jobs where id = any(${jobIds}::uuid[])
    returning id, job_id`)

export const listDueRings = (tx: Transaction, limit: number): Promise<OutboxRow[]> =>
  tx.all(sql`select id, job_id from outbox where due_at <= now() order by due_at limit ${limit}`)

export const deleteRings = (tx: Transaction, ids: number[]): Promise<number> =>
  tx.run(sql`delete from outbox where id = any(${ids}::bigint[])`)

/** Jobs that have been in the queue for so long, and could be claimed, without a ring that is still to come. */
export const listUnheard = async (tx: Transaction, sinceSeconds: number, limit: number): Promise<string[]> =>
  (
    await tx.all<{ id: string }>(sql`
      select j.id from jobs j
      where j.state = 'queued' and greatest(j.queued_at, j.not_before) < now() - make_interval(secs => ${sinceSeconds})
        and not exists (select from outbox o where o.job_id = j.id)
      limit ${limit}`)
  ).map(({ id }) => id)

export const countRings = async (tx: Transaction): Promise<number> =>
  (await tx.first<{ count: number }>(sql`select count(*) as count from outbox where due_at <= now()`))!.count

export const knowsBroker = async (tx: Transaction, address: string): Promise<boolean> =>
  (await tx.first(sql`select 1 as known from known_brokers where address = ${address}`)) !== undefined

export const rememberBroker = (tx: Transaction, address: string): Promise<number> =>
  tx.run(sql`
    insert into known_brokers (address) values (${address})
    on conflict (address) do update set answered_at = now()`)

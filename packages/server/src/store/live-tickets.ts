// SQL of tickets for live connections: hashes, each good for one take.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export const insertTicket = async (
  tx: Transaction,
  hash: Buffer,
  of: { userId: string; organizationId: string },
  lifeSeconds: number,
): Promise<Date> =>
  (await tx.first<{ expires_at: Date }>(sql`
    insert into live_tickets (hash, organization_id, user_id, expires_at)
    values (${hash}, ${of.organizationId}, ${of.userId}, now() + make_interval(secs => ${lifeSeconds}))
    returning expires_at`))!.expires_at

/** Of two who ask at once, one gets it. */
export const takeTicket = (
  tx: Transaction,
  hash: Buffer,
): Promise<{ organization_id: string; user_id: string } | undefined> =>
  tx.first(sql`
    delete from live_tickets where hash = ${hash} and expires_at > now() returning organization_id, user_id`)

export const deleteExpiredTickets = (tx: Transaction): Promise<number> =>
  tx.run(sql`delete from live_tickets where expires_at <= now()`)

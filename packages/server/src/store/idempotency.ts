// SQL of Idempotency-Keys. The key is taken and the answer kept in the transaction that creates, so that a crash after
// the commit still gives the same answer, and a crash before it leaves the key free.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface KeptAnswer {
  request_hash: string
  status: number
  body: unknown
}

/** Undefined: the key was free and is now this transaction's. A rival with the same key waits until this one ends. */
export async function takeIdempotencyKey(
  tx: Transaction,
  organizationId: string,
  key: string,
  requestHash: string,
): Promise<KeptAnswer | undefined> {
  const taken = await tx.run(sql`
    insert into idempotency_keys (organization_id, key, request_hash, status, body)
    values (${organizationId}, ${key}, ${requestHash}, 0, 'null') on conflict do nothing`)
  if (taken > 0) return undefined
  return tx.first(
    sql`select request_hash, status, body from idempotency_keys where organization_id = ${organizationId} and key = ${key}`,
  )
}

export const keepAnswer = (
  tx: Transaction,
  organizationId: string,
  key: string,
  status: number,
  body: unknown,
): Promise<number> =>
  tx.run(sql`
    update idempotency_keys set status = ${status}, body = ${JSON.stringify(body)}::json
    where organization_id = ${organizationId} and key = ${key}`)

// Idempotency-Keys: the key is taken and the answer kept in the transaction that creates, so that a crash after the commit
// still gives the same answer, and a crash before it leaves the key free (draft-ietf-httpapi-idempotency-key-header).
import sql from 'sql-template-tag'
import { FlowForgeError } from '../errors.ts'
import type { Transaction } from './database.ts'

/** A key with the hash of the request that carried it. */
export interface Once {
  key: string
  requestHash: string
}

export interface Answer<Body> {
  status: number
  body: Body
}

/** How an answer is kept when it must not lie in the table as it is. */
export interface KeptForm<Body> {
  keep(body: Body): unknown
  give(kept: unknown): Body
}

const KEPT_HOURS = 24

/** Runs `create` in the caller's transaction, or gives what the same key was answered before. */
export async function answerOnce<Body>(
  tx: Transaction,
  organizationId: string,
  once: Once | null,
  create: () => Promise<Answer<Body>>,
  form?: KeptForm<Body>,
): Promise<Answer<Body>> {
  const earlier = once && (await takeKey(tx, organizationId, once))
  if (earlier) {
    if (earlier.request_hash !== once!.requestHash) throw reused()
    // What was kept is what `create` gave: the hash names the route, too.
    return { status: earlier.status, body: form ? form.give(earlier.body) : (earlier.body as Body) }
  }
  const answer = await create()
  if (once) {
    const kept = form ? form.keep(answer.body) : answer.body
    await tx.run(sql`
      update idempotency_keys set status = ${answer.status}, body = ${JSON.stringify(kept)}::json
      where organization_id = ${organizationId} and key = ${once.key}`)
  }
  return answer
}

const reused = () =>
  new FlowForgeError(
    'idempotency_key_reused',
    'This Idempotency-Key was used with another request. Use a new key for a new request.',
  )

/** Undefined: the key was free and is now this transaction's. A rival with the same key waits until this one ends. */
async function takeKey(tx: Transaction, organizationId: string, { key, requestHash }: Once) {
  const taken = await tx.run(sql`
    insert into idempotency_keys as k (organization_id, key, request_hash, status, body)
    values (${organizationId}, ${key}, ${requestHash}, 0, 'null')
    on conflict (organization_id, key) do update
      set request_hash = excluded.request_hash, status = 0, body = 'null', created_at = now()
      where k.created_at < now() - make_interval(hours => ${KEPT_HOURS})`)
  if (taken > 0) return undefined
  return tx.first<{ request_hash: string; status: number; body: unknown }>(
    sql`select request_hash, status, body from idempotency_keys where organization_id = ${organizationId} and key = ${key}`,
  )
}

const FORGOTTEN_AT_ONCE = 1_000

/** Returns how many keys were forgotten; as many as fit into one go. */
export const forgetOldKeys = (tx: Transaction): Promise<number> =>
  tx.run(sql`
    delete from idempotency_keys where (organization_id, key) in (
      select organization_id, key from idempotency_keys
      where created_at < now() - make_interval(hours => ${KEPT_HOURS}) limit ${FORGOTTEN_AT_ONCE}
    )`)

// SQL of leases: who holds an attempt, until when, and who takes it over. All times are the database's.
import sql from 'sql-template-tag'
import { type AttemptPulse, type AttemptRow, PULSE } from './attempts.ts'
import type { Transaction } from './database.ts'

/**
 * Extends the leases of those attempts in a worker's hands that are still its own, and returns them. An attempt that it
 * dropped, although it is its own, is left to run out.
 */
export const renewLeases = (
  tx: Transaction,
  workerId: string,
  leaseSeconds: number,
  inHand: string[],
): Promise<AttemptPulse[]> =>
  tx.all(sql`
    update attempts a set lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    from jobs j
    where a.id = any(${inHand}::uuid[]) and a.worker_id = ${workerId} and a.ended_at is null and j.id = a.job_id
    returning ${PULSE}`)

/** Attempts whose holder fell silent so long ago. */
export const findExpired = (tx: Transaction, graceSeconds: number, limit: number): Promise<AttemptRow[]> =>
  tx.all(sql`
    select * from attempts
    where ended_at is null and lease_expires_at < now() - make_interval(secs => ${graceSeconds})
    order by lease_expires_at limit ${limit}`)

/** Attempts without a holder whose doors and mirrors lie at this place. */
export const findAdoptable = (
  tx: Transaction,
  place: string,
  inHand: string[],
  limit: number,
): Promise<AttemptRow[]> =>
  tx.all(sql`
    select * from attempts
    where ended_at is null and place = ${place} and lease_expires_at < now() and id <> all(${inHand}::uuid[])
    order by lease_expires_at limit ${limit}`)

/** Locks the attempt if it still is without a holder; undefined when it was renewed, adopted or ended meanwhile. */
export const lockIfExpired = (
  tx: Transaction,
  id: string,
  graceSeconds: number,
): Promise<AttemptRow | undefined> =>
  tx.first(sql`
    select * from attempts
    where id = ${id} and ended_at is null and lease_expires_at < now() - make_interval(secs => ${graceSeconds})
    for update`)

/** The caller has locked it (`lockIfExpired`). Whoever held it before writes with an epoch that has passed. */
export const takeOver = async (
  tx: Transaction,
  id: string,
  by: { workerId: string; leaseSeconds: number },
): Promise<AttemptRow> =>
  (await tx.first<AttemptRow>(sql`
    update attempts
    set epoch = epoch + 1, worker_id = ${by.workerId}, lease_expires_at = now() + make_interval(secs => ${by.leaseSeconds})
    where id = ${id}
    returning *`))!

/** Ends the leases of a worker that goes or is gone, so that nobody waits for them to run out. */
export const giveUpLeases = (tx: Transaction, workerId: string): Promise<number> =>
  tx.run(sql`
    update attempts set lease_expires_at = now() - interval '1 millisecond'
    where worker_id = ${workerId} and ended_at is null and lease_expires_at >= now()`)

/** Who holds attempts at this place, other than the one that asks. */
export const listHoldersAt = (
  tx: Transaction,
  place: string,
  exceptWorkerId: string,
): Promise<Array<{ id: string; host: string; pid: number }>> =>
  tx.all(sql`
    select distinct w.id, w.host, w.pid from attempts a join workers w on w.id = a.worker_id
    where a.ended_at is null and a.place = ${place} and w.id <> ${exceptWorkerId}`)

/** The container of a phase is gone: its successor has a nonce of its own. */
export const forgetNonce = (tx: Transaction, attemptId: string, phase: string): Promise<number> =>
  tx.run(sql`update attempts set nonces = nonces - ${phase}::text where id = ${attemptId}`)

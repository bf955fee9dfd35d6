// SQL of objects that are to be deleted, and of those about to be stored: announce, store, then keep in the transaction
// that refers to the object. A crash in between leaves it on the list.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

/** Whoever announces has this long to store and refer to it; afterwards `keepObject` says no. */
const STORING_SECONDS = 60 * 60

export const announceObject = (
  tx: Transaction,
  organizationId: string,
  storageKey: string,
): Promise<number> =>
  tx.run(sql`
    insert into doomed_objects (storage_key, organization_id, delete_after)
    values (${storageKey}, ${organizationId}, now() + make_interval(secs => ${STORING_SECONDS}))`)

/** False: it took too long, and the object may be gone. */
export const keepObject = async (tx: Transaction, storageKey: string): Promise<boolean> =>
  (await tx.run(sql`delete from doomed_objects where storage_key = ${storageKey}`)) > 0

export const doomObjects = (tx: Transaction, storageKeys: string[]): Promise<number> =>
  tx.run(sql`update doomed_objects set delete_after = now() where storage_key = any (${storageKeys})`)

/** For an object that a row named until now. */
export const letGoOfObject = (tx: Transaction, organizationId: string, storageKey: string): Promise<number> =>
  tx.run(sql`
    insert into doomed_objects (storage_key, organization_id) values (${storageKey}, ${organizationId})
    on conflict (storage_key) do update set delete_after = now()`)

/** Locked until the transaction ends, so that two that delete do not meet, and nobody keeps one meanwhile. */
export const takeDoomedObjects = async (tx: Transaction, limit: number): Promise<string[]> =>
  (
    await tx.all<{ storage_key: string }>(sql`
      select storage_key from doomed_objects where delete_after <= now()
      order by delete_after limit ${limit} for update skip locked`)
  ).map(row => row.storage_key)

export const forgetDoomedObjects = (tx: Transaction, storageKeys: string[]): Promise<number> =>
  tx.run(sql`delete from doomed_objects where storage_key = any (${storageKeys})`)

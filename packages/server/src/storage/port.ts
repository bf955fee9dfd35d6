// Where large things go that nothing searches: sealed events, saved sessions, backups. Two adapters, `files` and `s3`,
// pass contract.ts; what is stored is encrypted by `encrypted.ts` around either, so that whoever stores need not think of it.
import type { Readable } from 'node:stream'

/**
 * Objects by key. Any number of processes may use one storage at once.
 *
 * A key is parts with `/` between them; a part has letters, digits, `.`, `_`, `=` and `-`, and is neither `.` nor `..`.
 * Where the storage does not answer, or answers with something that nobody expected, every call fails with
 * `storage_unavailable` and may be repeated.
 */
export interface ObjectStorage {
  /**
   * Stores the whole object: others see all of it or, until this resolves, what was there before. Replaces what was
   * there. Also fails with `disk_full`, and with the error of the body when that breaks; nothing is changed then.
   */
  put(key: string, body: Uint8Array | Readable): Promise<void>
  /** null: there is none. The stream is to be read or destroyed; it fails with `object_damaged` when what comes is not what was put. */
  get(key: string): Promise<Readable | null>
  /** The objects whose key begins with `prefix`, in the order of their keys. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** What is not there counts as deleted. */
  delete(keys: string[]): Promise<void>
  /** Puts, gets and deletes a small object. Never throws. */
  check(): Promise<StorageCheck>
}

export interface StoredObject {
  key: string
  /** As stored: a little more than was put, since it is encrypted. */
  sizeBytes: number
  modifiedAt: Date
}

export interface StorageCheck {
  ok: boolean
  /** What and where it is, for people. */
  summary: string
  problem?: string
}

// One backup from beginning to end: made, stored whole or not at all, recorded, and old ones removed.
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { finishBackup, insertBackup } from '../store/backups.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type BackupOptions, type BackupSource, createBackup } from './create.ts'
import { type BackupPlace, backupName, pruneBackups } from './places.ts'

/** PostgreSQL documentation, appendix A. */
const UNDEFINED_TABLE = '42P01'

export interface BackupRun extends BackupOptions {
  place: BackupPlace
  scheduled: boolean
  /** null: delete none. */
  keep: number | null
}

export interface MadeBackup {
  name: string
  destination: string
  sizeBytes: number
  removed: string[]
}

export async function runBackup(
  source: BackupSource,
  database: Database,
  run: BackupRun,
): Promise<MadeBackup> {
  const { place, scheduled, keep } = run
  const { destination } = place
  const [id, name] = [uuidv7(), backupName(source.installationId, run.now)]
  await record(database, tx => insertBackup(tx, { id, destination, name, scheduled }))
  try {
    const body = await createBackup(source, run)
    await place.storage.put(name, body)
    const sizeBytes = await sizeOf(place, name)
    await record(database, tx => finishBackup(tx, id, { sizeBytes }))
    const removed = keep === null ? [] : await pruneBackups(place, source.installationId, keep)
    return { name, destination, sizeBytes, removed }
  } catch (error) {
    const failure = asFailure(error, destination)
    const problem = `${failure.code}: ${failure.message}`
    // The database may be what failed; the record then says that it was interrupted.
    await record(database, tx => finishBackup(tx, id, { problem })).catch(() => {})
    throw failure
  }
}

/** A backup before an upgrade may be of a database that has no such table yet. */
async function record(database: Database, write: (tx: Transaction) => Promise<number>): Promise<void> {
  await database.acrossOrganizations(write).catch(error => {
    if ((error as { code?: string }).code !== UNDEFINED_TABLE) throw error
  })
}

async function sizeOf({ storage }: BackupPlace, name: string): Promise<number> {
  for await (const { key, sizeBytes } of storage.list(name)) if (key === name) return sizeBytes
  throw new FlowForgeError('backup_failed', `The backup ${name} was stored, and is not there.`)
}

function asFailure(error: unknown, destination: string): FlowForgeError {
  if (isFlowForgeError(error)) return error
  return new FlowForgeError(
    'backup_failed',
    `The backup to ${destination} could not be made: ${(error as Error).message}. Nothing is left of it.`,
    { cause: error },
  )
}

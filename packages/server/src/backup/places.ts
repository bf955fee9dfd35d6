// Where backups lie: a folder or a bucket, each backup one object. Knows their names, not what is in them.
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { FlowForgeError } from '../errors.ts'
import { createFileStorage } from '../storage/files.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { createS3Storage, type S3Options } from '../storage/s3.ts'
import { parseS3Location } from '../storage/s3-location.ts'
import { type BackupHeader, readHeader } from './envelope.ts'

export interface BackupPlace {
  /** As people name it; without credentials. */
  destination: string
  storage: ObjectStorage
}

export interface StoredBackup extends BackupHeader {
  name: string
  sizeBytes: number
}

const ENDING = '.ffbackup'

/** `flowforge-3f2a91c0-20261125T183000Z.ffbackup`: sorted by name, one installation's are together and in order. */
export const backupName = (installationId: string, now: Date): string =>
  `${namePrefix(installationId)}${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}${ENDING}`

/** The last block of a time-ordered id is its random part. */
const namePrefix = (installationId: string): string => `flowforge-${installationId.slice(-8)}-`

/** A folder, or `s3://bucket/prefix?endpoint=…`. */
export function openPlace(where: string, credentials: S3Options['credentials']): BackupPlace {
  if (!where.startsWith('s3://')) {
    const directory = resolve(where)
    return { destination: directory, storage: createFileStorage({ directory }) }
  }
  return { destination: where, storage: createS3Storage({ ...location(where), credentials }) }
}

/** One backup by its file or address: `folder/NAME.ffbackup`, `s3://bucket/prefix/NAME.ffbackup?endpoint=…`. */
export async function findBackup(where: string, credentials: S3Options['credentials']): Promise<NamedBackup> {
  if (!where.startsWith('s3://')) return findFile(resolve(where))
  const url = new URL(where)
  const name = basename(url.pathname)
  url.pathname = dirname(url.pathname)
  return { name, where, ...reader(openPlace(url.href, credentials).storage, name, where) }
}

export interface NamedBackup {
  name: string
  where: string
  /** From its beginning; throws `backup_not_found`. May be called again. */
  read(): Promise<Readable>
}

async function findFile(path: string): Promise<NamedBackup> {
  const isFile = await stat(path).then(
    found => found.isFile(),
    () => false,
  )
  if (!isFile) throw notFound(path)
  const name = basename(path)
  const { storage } = openPlace(dirname(path), null)
  return { name, where: path, ...reader(storage, name, path) }
}

const reader = (storage: ObjectStorage, name: string, where: string) => ({
  read: async () => {
    const body = await storage.get(name)
    if (!body) throw notFound(where)
    return body
  },
})

/** Newest first. What is no backup, or a damaged one, is left out. */
export async function listBackups({ storage }: BackupPlace): Promise<StoredBackup[]> {
  const found: StoredBackup[] = []
  for await (const { key: name, sizeBytes } of storage.list('')) {
    if (!name.endsWith(ENDING) || name.includes('/')) continue
    const body = await storage.get(name)
    if (!body) continue
    const header = await readHeader(body).catch(() => null)
    body.destroy()
    if (header) found.push({ ...header, name, sizeBytes })
  }
  return found.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
}

/** Deletes all but the newest `keep` that this installation made; returns their names. */
export async function pruneBackups(
  { storage }: BackupPlace,
  installationId: string,
  keep: number,
): Promise<string[]> {
  const own: string[] = []
  for await (const { key } of storage.list(namePrefix(installationId)))
    if (key.endsWith(ENDING)) own.push(key)
  const old = own.toSorted().slice(0, Math.max(0, own.length - keep))
  await storage.delete(old)
  return old
}

const notFound = (where: string) =>
  new FlowForgeError(
    'backup_not_found',
    `There is no backup at ${where}. flowforge backup list shows what there is.`,
  )

function location(where: string) {
  try {
    return parseS3Location(where)
  } catch (error) {
    throw new FlowForgeError('config_invalid', `${where.split('?')[0]} ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

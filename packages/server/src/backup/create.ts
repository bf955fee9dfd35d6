// Makes a backup of a running system: the database in one snapshot, then what its rows name — repositories and objects are
// only ever added to while somebody may need them, so that read after the snapshot they hold at least what it knows.
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type pg from 'pg'
import { FlowForgeError } from '../errors.ts'
import { refsToKeep, writeBundle } from '../git/bundles.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { ObjectStorage } from '../storage/port.ts'
import {
  copyOut,
  listTables,
  openSnapshot,
  readSequences,
  type SequenceValue,
  type TableInfo,
} from '../store/copy.ts'
import { appliedMigrations } from '../store/schema.ts'
import { type Entry, writeArchive } from './archive.ts'
import { sealBackup } from './envelope.ts'

export type Stage = 'database' | 'repositories' | 'objects'

export interface BackupSource {
  owner: pg.ClientConfig
  mirrors: Pick<Mirrors, 'pathOf' | 'exists'>
  /** Small files that are data and lie beside the mirrors, by their name in the backup. */
  files: Record<string, string>
  storage: ObjectStorage
  version: string
  installationId: string
}

export interface BackupOptions {
  key: Buffer
  now: Date
  /** Whether objects are copied. Those in a bucket of their own are as safe as the backup, and may be very many. */
  objects: 'copied' | 'referenced'
  signal?: AbortSignal
  /** Told whenever a stage begins, and of each thing in it. */
  onProgress?: (stage: Stage, what: string) => void
}

/** What the manifest says beside sizes and checksums. */
export interface BackupFacts {
  tables: TableInfo[]
  sequences: SequenceValue[]
  repositories: RepositoryFacts[]
  objects: 'copied' | 'referenced'
}

export interface RepositoryFacts {
  id: string
  hosted: boolean
  head: string
  /** 0: nothing of it had to be kept. */
  refs: number
}

/** The bytes of the backup. Reading slowly holds nothing up but the snapshot. */
export async function createBackup(source: BackupSource, options: BackupOptions): Promise<Readable> {
  const snapshot = await openSnapshot(source.owner)
  try {
    const facts = {
      createdAt: options.now.toISOString(),
      version: source.version,
      installationId: source.installationId,
      migrations: await appliedMigrations(snapshot),
    }
    const found: BackupFacts = {
      tables: await listTables(snapshot),
      sequences: await readSequences(snapshot),
      repositories: [],
      objects: options.objects,
    }
    const archive = writeArchive(entriesOf(source, options, snapshot, found), () => found)
    const sealed = Readable.from(sealBackup(options.key, facts, archive), { objectMode: false })
    return sealed.once('close', () => void snapshot.end().catch(() => {}))
  } catch (error) {
    await snapshot.end().catch(() => {})
    throw error
  }
}

async function* entriesOf(
  source: BackupSource,
  options: BackupOptions,
  snapshot: pg.Client,
  found: BackupFacts,
): AsyncGenerator<Entry> {
  const { signal, onProgress } = options
  for (const table of found.tables) {
    signal?.throwIfAborted()
    onProgress?.('database', table.name)
    yield { name: `database/${table.name}`, body: copyOut(snapshot, table) }
  }
  const { rows } = await snapshot.query<{ id: string; name: string; hosted: boolean }>(
    'select id, name, url is null as hosted from repositories order by id',
  )
  // Postgres keeps every row version that the snapshot could see: it is not held longer than it is read.
  await snapshot.query('commit')
  for (const repository of rows) {
    signal?.throwIfAborted()
    onProgress?.('repositories', repository.name)
    yield* repositoryEntry(source, repository, found, signal)
  }
  for (const [name, path] of Object.entries(source.files))
    yield { name: `files/${name}`, body: createReadStream(path) }
  if (options.objects === 'copied') yield* objectEntries(source.storage, options)
}

async function* repositoryEntry(
  { mirrors }: BackupSource,
  { id, name, hosted }: { id: string; name: string; hosted: boolean },
  found: BackupFacts,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  if (!(await mirrors.exists(id))) {
    if (!hosted) return
    throw new FlowForgeError(
      'backup_failed',
      `The data of the hosted repository ${name} is not in this data folder. Make the backup where it is, or remove the repository.`,
    )
  }
  const path = mirrors.pathOf(id)
  const { head, refs } = await refsToKeep(path, hosted)
  found.repositories.push({ id, hosted, head, refs: refs.length })
  if (refs.length > 0) yield { name: `repositories/${id}`, body: writeBundle(path, refs, signal) }
}

async function* objectEntries(
  storage: ObjectStorage,
  { signal, onProgress }: BackupOptions,
): AsyncGenerator<Entry> {
  for await (const { key } of storage.list('')) {
    signal?.throwIfAborted()
    const body = await storage.get(key)
    // Removed since it was listed: its time was over.
    if (!body) continue
    onProgress?.('objects', key)
    yield { name: `objects/${key}`, body }
  }
}

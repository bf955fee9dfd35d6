// Puts a backup into an empty system: checks all of it, makes the tables as they were then, loads them in one transaction,
// unpacks repositories and objects, and only then brings the tables to this version.
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { FlowForgeError } from '../errors.ts'
import { dropLaterResults, type KnownJob, unpackBundle } from '../git/bundles.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { copyIn, endLeases, isUnused, setSequences, whileUnbound } from '../store/copy.ts'
import { migrate } from '../store/migrate.ts'
import { knownMigrations } from '../store/schema.ts'
import { type ArchiveReader, damaged, type Entry, readArchive } from './archive.ts'
import type { BackupFacts, Stage } from './create.ts'
import { openBackup } from './envelope.ts'
import type { NamedBackup } from './places.ts'
import type { VerifiedBackup } from './verify.ts'

export interface RestoreTarget {
  owner: pg.ClientConfig
  mirrors: Pick<Mirrors, 'pathOf' | 'createHosted' | 'remove'>
  /** The folder of the mirrors. */
  gitDirectory: string
  /** Where each file of `BackupSource.files` goes. */
  files: Record<string, string>
  storage: ObjectStorage
}

export interface RestoreOptions {
  key: Buffer
  onProgress?: (stage: 'checking' | Stage | 'finishing', what: string) => void
}

export interface Restored extends VerifiedBackup {
  rows: number
  repositories: number
  objects: number
  /** Attempts that ran then: they end as lost, and their jobs are tried again. */
  lostAttempts: number
  /** Jobs that had not started: they will, also if they did so after the backup. */
  queuedJobs: number
}

/** Whether this version can restore that backup at all. Throws `version_unsupported`. */
export function requireKnown({ header }: Pick<VerifiedBackup, 'header'>): void {
  const known = new Set(knownMigrations().map(({ name }) => name))
  const unknown = header.migrations.filter(name => !known.has(name))
  if (unknown.length > 0)
    throw new FlowForgeError(
      'version_unsupported',
      `This backup was made by a newer FlowForge (${header.version}, migration ${unknown.at(-1)}). Restore it with that version or a newer one.`,
    )
}

export async function restoreBackup(
  backup: NamedBackup,
  verified: VerifiedBackup,
  target: RestoreTarget,
  options: RestoreOptions,
): Promise<Restored> {
  const { onProgress } = options
  await requireEmpty(target, verified.manifest)
  await migrate(target.owner, { only: new Set(verified.header.migrations) })
  const bytes = await backup.read()
  const client = new pg.Client(target.owner)
  client.on('error', () => {})
  await client.connect()
  let loading = false
  try {
    const { archive } = await openBackup(options.key, bytes)
    const reader = readArchive<BackupFacts>(archive)
    await client.query('begin')
    loading = true
    const loaded = await load(client, reader, verified, target, onProgress)
    reader.manifest()
    onProgress?.('finishing', 'results of attempts that the database does not know')
    await tidyRepositories(client, verified.manifest, target)
    const counts = await settleRows(client)
    await client.query('commit')
    loading = false
    onProgress?.('finishing', 'bringing the database to this version')
    await migrate(target.owner)
    return { ...verified, ...loaded, ...counts }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    if (loading) await removeUnpacked(verified.manifest, target).catch(() => {})
    throw error
  } finally {
    bytes.destroy()
    await client.end().catch(() => {})
  }
}

/** The system was empty before: whatever is there now is of this restore, and would stand in the way of the next. */
async function removeUnpacked(
  { repositories, objects }: BackupFacts,
  { mirrors, gitDirectory, storage }: RestoreTarget,
): Promise<void> {
  for (const { id } of repositories) {
    await mirrors.remove(id)
    await rm(join(gitDirectory, `${id}.bundle`), { force: true })
  }
  // Those that the backup refers to were there before, and stay.
  if (objects === 'referenced') return
  for await (const { key } of storage.list('')) await storage.delete([key])
}

/**
 * Nothing is ever overwritten: a mistyped folder or database must not cost a running system. Objects that the backup only
 * refers to are expected to be there.
 */
export async function requireEmpty(
  { owner, gitDirectory, storage }: RestoreTarget,
  { objects }: Pick<BackupFacts, 'objects'>,
): Promise<void> {
  const client = new pg.Client(owner)
  client.on('error', () => {})
  await client.connect()
  const unused = await isUnused(client).finally(() => client.end())
  if (!unused) throw notEmpty('The database holds an organization already')
  const names = await readdir(gitDirectory).catch(() => [])
  if (names.some(name => name.endsWith('.git'))) throw notEmpty(`There are repositories in ${gitDirectory}`)
  if (objects === 'referenced') return
  for await (const { key } of storage.list('')) throw notEmpty(`The object storage holds ${key}`)
}

const notEmpty = (what: string) =>
  new FlowForgeError(
    'system_not_empty',
    `${what}. Restore into an empty data folder (FLOWFORGE_DATA_DIR) and an empty database (DATABASE_URL), and do not start FlowForge on them before.`,
  )

async function load(
  client: pg.Client,
  reader: ArchiveReader<BackupFacts>,
  { manifest }: VerifiedBackup,
  target: RestoreTarget,
  onProgress: RestoreOptions['onProgress'],
): Promise<Pick<Restored, 'rows' | 'repositories' | 'objects'>> {
  const counts = { rows: 0, repositories: 0, objects: 0 }
  const tables = new Map(manifest.tables.map(table => [table.name, table]))
  await whileUnbound(client, manifest.tables, async () => {
    for await (const { name, body } of reader.entries()) {
      const [kind, rest] = splitName(name)
      switch (kind) {
        case 'database': {
          const table = tables.get(rest)
          if (!table) throw damaged(`its table ${rest} is not in its manifest`)
          onProgress?.('database', rest)
          counts.rows += await copyIn(client, table, asAsync(body))
          break
        }
        case 'repositories':
          onProgress?.('repositories', rest)
          await unpackRepository(rest, body, manifest, target)
          counts.repositories += 1
          break
        case 'files':
          await writeFileOf(target.files[rest], body)
          break
        case 'objects':
          onProgress?.('objects', rest)
          await target.storage.put(rest, Readable.from(body, { objectMode: false }))
          counts.objects += 1
          break
        default:
          throw damaged(`it holds ${name}, which this version does not know`)
      }
    }
  })
  await makeEmptyRepositories(manifest, target)
  await setSequences(client, manifest.sequences)
  return counts
}

const splitName = (name: string): [kind: string, rest: string] => [
  name.slice(0, name.indexOf('/')),
  name.slice(name.indexOf('/') + 1),
]

async function* asAsync(body: Entry['body']): AsyncGenerator<Uint8Array> {
  yield* body
}

async function unpackRepository(
  id: string,
  body: Entry['body'],
  { repositories }: BackupFacts,
  { mirrors, gitDirectory }: RestoreTarget,
): Promise<void> {
  const facts = repositories.find(repository => repository.id === id)
  if (!facts) throw damaged(`its repository ${id} is not in its manifest`)
  await mirrors.createHosted(id, { defaultBranch: 'main' })
  const file = join(gitDirectory, `${id}.bundle`)
  await pipeline(body, createWriteStream(file, { mode: 0o600 }))
  await unpackBundle(mirrors.pathOf(id), file, facts.head)
}

/** A hosted repository to which nobody had pushed yet. */
async function makeEmptyRepositories(
  { repositories }: BackupFacts,
  { mirrors }: RestoreTarget,
): Promise<void> {
  for (const { id, hosted, head, refs } of repositories)
    if (hosted && refs === 0)
      await mirrors.createHosted(id, { defaultBranch: head.replace('refs/heads/', '') })
}

async function writeFileOf(path: string | undefined, body: Entry['body']): Promise<void> {
  if (path === undefined) return
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await pipeline(body, createWriteStream(path, { mode: 0o600 }))
}

async function tidyRepositories(
  client: pg.Client,
  { repositories }: BackupFacts,
  { mirrors }: RestoreTarget,
): Promise<void> {
  for (const { id, refs } of repositories) {
    if (refs === 0) continue
    const { rows } = await client.query<KnownJob>(
      'select id, attempt, branch, finished_at is not null as finished from jobs where repository_id = $1',
      [id],
    )
    await dropLaterResults(mirrors.pathOf(id), rows)
  }
}

async function settleRows(client: pg.Client): Promise<Pick<Restored, 'lostAttempts' | 'queuedJobs'>> {
  const lostAttempts = await endLeases(client)
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from jobs where state in ('pending', 'queued')`,
  )
  return { lostAttempts, queuedJobs: rows[0]?.count ?? 0 }
}

// `flowforge backup` and `flowforge restore` on the machine itself: needs the data folder or DATABASE_URL, and the master key.
// Prints what it does on stderr, and one JSON value on stdout; the CLI says it to people.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { pino } from 'pino'
import { findBackup, listBackups, openPlace } from '../backup/places.ts'
import { requireKnown, restoreBackup } from '../backup/restore.ts'
import { runBackup } from '../backup/run-backup.ts'
import { verifyBackup } from '../backup/verify.ts'
import { type Config, readConfig } from '../config.ts'
import { FlowForgeError } from '../errors.ts'
import { createMirrors } from '../git/mirrors.ts'
import { loadMasterKey } from '../secrets/master-key.ts'
import { createSealing } from '../secrets/sealing.ts'
import { createDatabase } from '../store/database.ts'
import { backupKey, backupSource, filesOf, gitDirectoryOf, objectsOf } from './backup-source.ts'
import { makeDataDirectory } from './foundation.ts'
import { explain } from './lifecycle.ts'
import { connectPostgres, type Postgres } from './postgres.ts'
import { createStorage } from './storage.ts'

interface Options {
  to?: string | undefined
  objects?: string | undefined
}

const log = pino({ level: 'silent' })

async function act(verb: string, operand: string | undefined, options: Options): Promise<object> {
  const config = readConfig(process.env)
  const place = () =>
    openPlace(
      options.to ?? config.backup?.where ?? join(config.dataDirectory, 'backups'),
      config.s3Credentials,
    )
  switch (verb) {
    case 'create':
      return create(config, place(), options)
    case 'list':
      return { destination: place().destination, backups: await listBackups(place()) }
    case 'verify': {
      const { header, manifest } = await verifyBackup(
        await findBackup(required(operand), config.s3Credentials),
        keyOf(config),
      )
      return { ...header, ...manifest.totals, repositories: manifest.repositories.length }
    }
    case 'restore':
      return restore(config, required(operand))
    default:
      throw new FlowForgeError('config_invalid', `There is no ${verb}: create, list, verify or restore.`)
  }
}

async function create(
  config: Config,
  place: ReturnType<typeof openPlace>,
  options: Options,
): Promise<object> {
  const sealing = sealingOf(config)
  if (!config.databaseUrl && !existsSync(join(config.dataDirectory, 'postgres', 'data')))
    throw new FlowForgeError(
      'config_invalid',
      `There is no FlowForge in ${config.dataDirectory}. Set FLOWFORGE_DATA_DIR (or --data-dir) and DATABASE_URL as for flowforge up.`,
    )
  // Not brought to this version: before an upgrade is when people make a backup.
  return withPostgres(config, async postgres => {
    const database = createDatabase(postgres.app)
    try {
      const source = backupSource({
        config,
        owner: postgres.owner,
        mirrors: createMirrors({ directory: gitDirectoryOf(config), trustedHosts: [] }),
        storage: createStorage(config.storage, sealing),
        installationId: await installationOf(postgres.owner),
      })
      const made = await runBackup(source, database, {
        place,
        scheduled: false,
        keep: null,
        key: backupKey(sealing),
        now: new Date(),
        objects: options.objects === 'copy' ? 'copied' : objectsOf(config),
        onProgress: sayOncePerStage(),
      })
      return { ...made, sameDisk: place.destination === join(config.dataDirectory, 'backups') }
    } finally {
      await database.close()
    }
  })
}

async function restore(config: Config, where: string): Promise<object> {
  const sealing = sealingOf(config)
  const key = backupKey(sealing)
  const backup = await findBackup(where, config.s3Credentials)
  say('checking', 'every byte of it')
  const verified = await verifyBackup(backup, key)
  requireKnown(verified)
  makeDataDirectory(config.dataDirectory)
  return withPostgres(config, async postgres => {
    const target = {
      owner: postgres.owner,
      mirrors: createMirrors({ directory: gitDirectoryOf(config), trustedHosts: [] }),
      gitDirectory: gitDirectoryOf(config),
      files: filesOf(config),
      storage: createStorage(config.storage, sealing),
    }
    const { manifest, header, ...counts } = await restoreBackup(backup, verified, target, {
      key,
      onProgress: sayOncePerStage(),
    })
    return {
      ...counts,
      createdAt: header.createdAt,
      sizeBytes: manifest.totals.sizeBytes,
      objectsKeptElsewhere: manifest.objects === 'referenced',
    }
  })
}

async function withPostgres<T>(config: Config, work: (postgres: Postgres) => Promise<T>): Promise<T> {
  const postgres = await connectPostgres(config, log)
  try {
    return await work(postgres)
  } finally {
    await postgres.stop()
  }
}

/** Never makes a key: what is sealed with a new one is of no use to anybody. */
function sealingOf(config: Config) {
  if (!config.masterKey && !existsSync(join(config.dataDirectory, 'master-key')))
    throw new FlowForgeError(
      'backup_key_wrong',
      `There is no master key: set FLOWFORGE_MASTER_KEY to the installation's key, or put its file into ${join(config.dataDirectory, 'master-key')}. A backup can not be made or opened without it.`,
    )
  return createSealing(loadMasterKey({ configured: config.masterKey, dataDirectory: config.dataDirectory }))
}

const keyOf = (config: Config): Buffer => backupKey(sealingOf(config))

async function installationOf(owner: pg.ClientConfig): Promise<string> {
  const client = new pg.Client(owner)
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>('select id from installation')
    if (!rows[0]) throw new FlowForgeError('backup_failed', 'FlowForge was never started on this database.')
    return rows[0].id
  } finally {
    await client.end()
  }
}

function required(operand: string | undefined): string {
  if (operand) return operand
  throw new FlowForgeError('config_invalid', 'Name the backup: a file, or s3://bucket/prefix/NAME.')
}

const say = (stage: string, what: string): void => void process.stderr.write(`${stage}: ${what}\n`)

/** A line for each repository and table, one for all objects. */
function sayOncePerStage() {
  let objects = 0
  return (stage: string, what: string): void => {
    if (stage === 'objects') objects += 1
    if (stage !== 'objects') say(stage, what)
    else if (objects === 1 || objects % 1000 === 0) say(stage, `${objects}`)
  }
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { to: { type: 'string' }, objects: { type: 'string' }, json: { type: 'boolean' } },
  })
  const [verb = 'create', operand] = positionals
  process.stdout.write(`${JSON.stringify(await act(verb, operand, values))}\n`)
  process.exit(0)
} catch (error) {
  process.exit(explain(error))
}

// What server and worker stand on alike: data folder, database, event log, queue, keys, mirrors.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Config } from '../config.ts'
import { FlowForgeError } from '../errors.ts'
import { createMirrors } from '../git/mirrors.ts'
import { createEventLog } from '../live/event-log.ts'
import { createPostgresAttemptSignal } from '../queue/postgres.ts'
import { loadMasterKey } from '../secrets/master-key.ts'
import { createSealing, type Sealing } from '../secrets/sealing.ts'
import { createDatabase, type Database } from '../store/database.ts'
import { installationId } from '../store/identity.ts'
import { createLeaderLock, SWEEPER_LOCK } from '../store/leader-lock.ts'
import { createListener, type Listener } from '../store/listener.ts'
import { migrate } from '../store/migrate.ts'
import { connectPostgres, type Postgres } from './postgres.ts'
import { createLiveBus, createQueue } from './queue.ts'
import { createStorage } from './storage.ts'

export type Foundation = Awaited<ReturnType<typeof layFoundation>>

export async function layFoundation(config: Config, log: Logger) {
  makeDataDirectory(config.dataDirectory)
  const sealing = createSealing(
    loadMasterKey({ configured: config.masterKey, dataDirectory: config.dataDirectory }),
  )
  const postgres = await connectPostgres(config, log)
  return startOn({ close: postgres.stop }, () => layOn(postgres, sealing, config, log))
}

async function layOn(postgres: Postgres, sealing: Sealing, config: Config, log: Logger) {
  const applied = await migrate(postgres.owner)
  if (applied.length > 0) log.info({ applied }, 'database brought to this version')
  const database = createDatabase(postgres.app)
  const listener = await createListener(postgres.app)
  const ground = {
    close: async () => {
      await listener.close()
      await database.close()
    },
  }
  return startOn(ground, () => layUpon({ postgres, database, listener, ground, sealing, config, log }))
}

async function layUpon({
  postgres,
  database,
  listener,
  ground,
  sealing,
  config,
  log,
}: {
  postgres: Postgres
  database: Database
  listener: Listener
  ground: { close(): Promise<void> }
  sealing: Sealing
  config: Config
  log: Logger
}) {
  const id = await database.acrossOrganizations(tx => installationId(tx, uuidv7()))
  const speaking = { config, database, listener, installationId: id, log }
  const queue = await createQueue(speaking)
  const live = await startOn(queue.doorbell, () => createLiveBus(speaking))
  return {
    config,
    log,
    sealing,
    /** For backups: sees all rows of all organizations. */
    owner: postgres.owner,
    database,
    bus: live.bus,
    events: createEventLog(live.bus),
    doorbell: queue.doorbell,
    queueSweep: queue.sweep,
    links: { queue: queue.link, bus: live.link },
    signal: createPostgresAttemptSignal(listener),
    storage: createStorage(config.storage, sealing),
    sweeperLock: createLeaderLock(postgres.app, { key: SWEEPER_LOCK, silenceMs: config.leaseSeconds * 1000 }),
    mirrors: createMirrors({
      directory: join(config.dataDirectory, 'git'),
      trustedHosts: config.trustedHosts,
      stallMs: config.gitStallSeconds * 1000,
    }),
    installationId: id,
    close: async () => {
      await Promise.all([live.bus.close(), queue.doorbell.close()])
      await ground.close()
      await postgres.stop()
    },
  }
}

/** Ends what stands when the rest can not be started: a taken port leaves no Postgres behind. */
export async function startOn<T>(ground: { close(): Promise<void> }, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    await ground.close().catch(() => {})
    throw error
  }
}

export function makeDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o711 })
  } catch (error) {
    throw new FlowForgeError(
      'config_invalid',
      `The data folder ${directory} can not be made (${(error as NodeJS.ErrnoException).code}). Set FLOWFORGE_DATA_DIR to a folder that you may write to.`,
      { cause: error },
    )
  }
}

/** For people on a terminal, for machines otherwise; always on stderr, so that stdout stays clean. */
export async function createLog(config: Config): Promise<Logger> {
  const redact = ['*.token', '*.key', '*.apiKey', '*.credential', '*.password', '*.authorization']
  const options = { level: config.logLevel, base: undefined, redact }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }))
  const { default: pretty } = await import('pino-pretty')
  return pino(
    options,
    pretty({
      destination: 2,
      sync: true,
      translateTime: 'HH:MM:ss',
      ignore: 'pid,hostname',
      colorize: config.colour,
    }),
  )
}

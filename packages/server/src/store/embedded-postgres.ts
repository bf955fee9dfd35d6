// Supervises the Postgres that FlowForge brings along: one cluster in the data folder, reachable only over a Unix
// socket in a private folder. It knows the roles and the database, nothing of tables.
import { createHash } from 'node:crypto'
import { chown, lstat, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { FlowForgeError } from '../errors.ts'
import { ensureCluster, type Place, preparePlace, removeLeftovers } from './postgres-cluster.ts'
import { endPostmaster, ensurePostmaster, type Postmaster } from './postmaster.ts'

export interface EmbeddedPostgres {
  readonly connection: { socketDirectory: string; port: number; database: string }
  /** For the migrations: owns the database, is no superuser. */
  readonly ownerConfig: pg.ClientConfig
  /** For everything else: neither owner nor superuser, so that row-level security binds it. */
  readonly appConfig: pg.ClientConfig
  /** For backup, restore and tests. */
  readonly superuserConfig: pg.ClientConfig
  readonly version: string
  /** Changes when the server had to be started again. */
  readonly pid: number
  /** False when a running one was found. */
  readonly started: boolean
  /** Ends the server unless another process uses it too; close your connections first. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  dataDirectory: string
  log: Pick<Logger, 'info' | 'warn'>
  /** Server settings on top of ours; for tests. */
  settings?: Record<string, string>
  packageName?: string
}

const DATABASE = 'flowforge'
/** The name of the socket (".s.PGSQL.5432"); no TCP port is opened. */
const PORT = 5432
/** `sun_path` has 108 bytes on Linux, 104 elsewhere, one of them for the final NUL. */
const MAX_SOCKET_PATH_BYTES = 103
/** Every process that uses the cluster holds this lock shared; who gets it alone may end the server. */
const IN_USE_LOCK = 7_420_001
const ROLES_LOCK = 7_420_002

export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const place = await preparePlace(options)
  await ensureCluster(place)
  const stopping = new AbortController()
  let running = await attach(place, options)
  if (running.postmaster.started) await removeLeftovers(place)
  let restarted: Promise<void> | undefined
  const watch = () => {
    running.hold.once('end', () => {
      if (!stopping.signal.aborted) restarted = restart()
    })
  }
  const restart = async () => {
    options.log.warn({ pid: running.postmaster.pid }, 'the embedded Postgres went away; starting it again')
    running = (await attachUntilItWorks(place, options, stopping.signal)) ?? running
    watch()
  }
  watch()
  const { socketDirectory, port, started } = running.postmaster
  const configFor = (user: string) => ({ host: socketDirectory, port, user, database: DATABASE })
  return {
    connection: { socketDirectory, port, database: DATABASE },
    ownerConfig: configFor('flowforge_owner'),
    appConfig: configFor('flowforge_app'),
    superuserConfig: configFor('postgres'),
    version: place.binaries.version,
    started,
    get pid() {
      return running.postmaster.pid
    },
    stop: async () => {
      if (stopping.signal.aborted) return
      stopping.abort()
      await restarted
      await release(place, running, options.log)
    },
  }
}

interface Running {
  postmaster: Postmaster & { started: boolean }
  /** Holds IN_USE_LOCK; its end tells that the server went away. */
  hold: pg.Client
}

const attach = async (place: Place, options: EmbeddedPostgresOptions): Promise<Running> => {
  for (let tries = 1; ; tries++) {
    const postmaster = await ensurePostmaster({
      postgres: place.binaries.postgres,
      dataFolder: place.dataFolder,
      arguments: serverArguments(await ensureSocketDirectory(place), place.binaries.major, options.settings),
      user: place.user,
      logFile: path.join(place.root, 'server.log'),
    })
    try {
      const hold = await openHold(postmaster)
      options.log.info({ pid: postmaster.pid, started: postmaster.started }, 'embedded Postgres is ready')
      return { postmaster, hold }
    } catch (cause) {
      // Its last user may have ended it just when we attached.
      if (tries < 5) continue
      throw new FlowForgeError('database_unavailable', `The embedded Postgres does not answer: ${cause}`, {
        cause,
      })
    }
  }
}

const openHold = async ({ socketDirectory, port }: Postmaster): Promise<pg.Client> => {
  const hold = new pg.Client({ host: socketDirectory, port, user: 'postgres', database: 'postgres' })
  // Without a listener a connection that breaks ends the process; `end` follows and is what we act on.
  hold.on('error', () => {})
  try {
    await hold.connect()
    await hold.query('select pg_advisory_lock_shared($1)', [IN_USE_LOCK])
    await ensureRolesAndDatabase(hold)
    return hold
  } catch (error) {
    await hold.end().catch(() => {})
    throw error
  }
}

const attachUntilItWorks = async (
  place: Place,
  options: EmbeddedPostgresOptions,
  signal: AbortSignal,
): Promise<Running | undefined> => {
  for (let waitMs = 50; !signal.aborted; waitMs = Math.min(waitMs * 2, 5000)) {
    try {
      return await attach(place, options)
    } catch (error) {
      options.log.warn({ error }, 'the embedded Postgres could not be started again')
      await delay(waitMs, undefined, { signal }).catch(() => {})
    }
  }
  return undefined
}

/** Beside the data where the path is short enough for a socket, else a folder under /tmp that belongs to this data. */
const ensureSocketDirectory = async ({ root, user }: Place): Promise<string> => {
  const beside = path.join(root, 'run')
  const fits = Buffer.byteLength(path.join(beside, `.s.PGSQL.${PORT}`)) <= MAX_SOCKET_PATH_BYTES
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12)
  const directory = fits ? beside : path.join('/tmp', `flowforge-postgres-${name}`)
  await mkdir(directory, { mode: 0o700 }).then(
    () => user && chown(directory, user.uid, user.gid),
    error => error.code === 'EEXIST' || Promise.reject(error),
  )
  const found = await lstat(directory)
  const ours = [user?.uid, process.getuid?.()].includes(found.uid)
  if (found.isDirectory() && ours && (found.mode & 0o077) === 0) return directory
  // Whoever owns the socket's folder could put a server of his own there.
  throw new FlowForgeError('config_invalid', `${directory} is not a private folder of FlowForge: remove it.`)
}

const serverArguments = (
  socketDirectory: string,
  major: number,
  settings: Record<string, string> = {},
): string[] => {
  const all: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    port: String(PORT),
    max_connections: '60',
    shared_buffers: '48MB',
    max_wal_size: '512MB',
    min_wal_size: '32MB',
    jit: 'off',
    max_logical_replication_workers: '0',
    autovacuum_worker_slots: '2',
    autovacuum_max_workers: '2',
    // The three I/O processes of PostgreSQL 18 cost memory and gain nothing at this size.
    io_method: 'sync',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // The application sees its own errors; a log that nobody reads must not grow with them.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    ...settings,
  }
  if (major < 18) for (const name of ['autovacuum_worker_slots', 'io_method']) delete all[name]
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

const ensureRolesAndDatabase = async (client: pg.Client): Promise<void> => {
  if (await hasRolesAndDatabase(client)) return
  await client.query('select pg_advisory_lock($1)', [ROLES_LOCK])
  for (const role of ['flowforge_owner', 'flowforge_app']) {
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role])
    if (!rowCount) await client.query(`create role ${role} login`)
  }
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
  if (!rowCount) await client.query(`create database ${DATABASE} owner flowforge_owner`)
  await client.query(
    `revoke all on database ${DATABASE} from public; grant connect on database ${DATABASE} to flowforge_app`,
  )
  await client.query('select pg_advisory_unlock($1)', [ROLES_LOCK])
}

/** The grants come last: once they are there, all is. */
const hasRolesAndDatabase = async (client: pg.Client): Promise<boolean> => {
  const sql = 'select from pg_database where datname = $1 and datacl is not null'
  return (await client.query(sql, [DATABASE])).rowCount === 1
}

/** Whoever holds the lock alone is the last user; a process that attaches meanwhile waits, fails and starts anew. */
const release = async (place: Place, { hold, postmaster }: Running, log: EmbeddedPostgresOptions['log']) => {
  const sql = 'select pg_advisory_unlock_shared($1), pg_try_advisory_lock($1) as alone'
  const alone = await hold.query(sql, [IN_USE_LOCK]).then(
    answer => answer.rows[0].alone as boolean,
    () => true,
  )
  if (alone) await endPostmaster(place.dataFolder, postmaster.pid)
  else log.info({ pid: postmaster.pid }, 'embedded Postgres goes on: another process uses it')
  await hold.end().catch(() => {})
}

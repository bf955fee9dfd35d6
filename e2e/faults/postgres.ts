// A Postgres of a test's own that can be stopped, killed, frozen, filled and replaced by a standby: one that nobody
// supervises, as a team's own server would be seen from FlowForge.
import { execFile } from 'node:child_process'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { ensureCluster, type Place, preparePlace } from '../../packages/server/src/store/postgres-cluster.ts'
import { ensurePostmaster, findPostmaster } from '../../packages/server/src/store/postmaster.ts'
import { childrenOf, untilGone } from './process-table.ts'

export interface Postgres {
  /** Its Unix socket, for a wire. */
  socketPath: string
  /** Through the wire at this port, else straight. */
  url(port?: number): string
  start(): Promise<void>
  /** SIGINT ends it in order, SIGQUIT at once, SIGKILL as a power cut does. */
  end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void>
  /** A superuser's connection; the caller ends it. */
  session(): Promise<pg.Client>
  /** As a superuser, on a connection of its own. */
  query<Row extends object>(text: string, values?: unknown[], database?: string): Promise<Row[]>
  /** A copy that follows this one, synchronously: what was acknowledged is on both. This one must be stopped. */
  makeStandby(directory: string): Promise<Postgres>
  promote(): Promise<void>
}

const DATABASE = 'flowforge'
const PORT = 5432

/** `directory` must be one that an unprivileged user can pass through. */
export async function createPostgres(directory: string): Promise<Postgres> {
  const place = await preparePlace({ dataDirectory: directory })
  await ensureCluster(place)
  const postgres = controlled(place)
  await postgres.start()
  await postgres.query(`create database ${DATABASE}`, [], 'postgres')
  return postgres
}

const SETTINGS = ['-c', 'listen_addresses=', '-c', `port=${PORT}`, '-c', 'io_method=sync', '-c', 'fsync=off']

function controlled(place: Place) {
  // The data folder belongs to the user that Postgres runs as, and is closed to everybody else.
  const socketDirectory = place.dataFolder
  const session = async (database = DATABASE): Promise<pg.Client> => {
    const client = new pg.Client({ host: socketDirectory, port: PORT, user: 'postgres', database })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  const query = async <Row extends object>(
    text: string,
    values: unknown[] = [],
    database = DATABASE,
  ): Promise<Row[]> => {
    const client = await session(database)
    try {
      return (await client.query<Row>(text, values)).rows
    } finally {
      await client.end()
    }
  }
  return {
    socketPath: join(socketDirectory, `.s.PGSQL.${PORT}`),
    url: (port?: number) =>
      port === undefined
        ? `postgres://postgres@localhost/${DATABASE}?host=${encodeURIComponent(socketDirectory)}`
        : `postgres://postgres@127.0.0.1:${port}/${DATABASE}`,
    session: () => session(),
    query,
    start: async () => {
      await ensurePostmaster({
        postgres: place.binaries.postgres,
        dataFolder: place.dataFolder,
        arguments: ['-c', `unix_socket_directories=${socketDirectory}`, ...SETTINGS],
        user: place.user,
        logFile: join(place.root, 'server.log'),
      })
    },
    end: async (signal: NodeJS.Signals) => {
      const running = await findPostmaster(place.dataFolder)
      if (!running) return
      const backends = await childrenOf(running.pid)
      process.kill(running.pid, signal)
      // The backends of a killed one notice it by themselves, a moment later; until then it can not be started.
      await Promise.all([running.pid, ...backends].map(pid => untilGone(pid)))
    },
    makeStandby: async (directory: string): Promise<Postgres> => {
      const copy = await preparePlace({ dataDirectory: directory })
      await promisify(execFile)('cp', ['-a', '--', place.dataFolder, copy.dataFolder])
      await writeFile(join(copy.dataFolder, 'standby.signal'), '')
      await appendFile(
        join(copy.dataFolder, 'postgresql.auto.conf'),
        `primary_conninfo = 'host=${socketDirectory} port=${PORT} user=postgres application_name=standby'\n`,
      )
      await appendFile(
        join(place.dataFolder, 'postgresql.auto.conf'),
        "synchronous_standby_names = 'standby'\nsynchronous_commit = remote_apply\n",
      )
      return controlled(copy)
    },
    promote: async () => {
      await query('select pg_promote()')
    },
  }
}

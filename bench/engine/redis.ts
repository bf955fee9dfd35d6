// A Redis server of the benchmark's own: a Unix socket in its folder, no port, an append-only file on the same disk as
// the database of the others.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Redis as Client } from 'ioredis'

const ROOT = join(import.meta.dirname, '../..')

/** `everysec` is Redis's own advice and may lose the last second; `always` is what Postgres does. */
export type Fsync = 'everysec' | 'always'

export interface Redis {
  socketPath: string
  fsync: Fsync
  stop(): Promise<void>
}

export async function installRedis(): Promise<void> {
  const installed = await promisify(execFile)('redis-server', ['--version']).then(
    () => true,
    () => false,
  )
  if (!installed) await promisify(execFile)(join(ROOT, 'script/lib/apt-install'), ['redis-server'])
}

export async function startRedis(directory: string, fsync: Fsync): Promise<Redis> {
  await mkdir(directory, { recursive: true })
  const socketPath = join(directory, 'redis.sock')
  const settings = { dir: directory, port: '0', unixsocket: socketPath, appendonly: 'yes', save: '' }
  const child = spawn(
    'redis-server',
    Object.entries({ ...settings, appendfsync: fsync }).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await untilItAnswers(socketPath)
  return {
    socketPath,
    fsync,
    stop: async () => {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

async function untilItAnswers(socketPath: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    const client = new Client({ path: socketPath, lazyConnect: true, retryStrategy: () => null })
    client.on('error', () => {})
    const answered = await client.connect().then(
      () => true,
      () => false,
    )
    client.disconnect()
    if (answered) return
    if (tries > 200) throw new Error('redis-server does not answer')
    await delay(25)
  }
}

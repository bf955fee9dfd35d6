// What the `push` behaviour does: a commit on the job's base, pushed to its branch over the gateway by a real git.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { GATEWAY_PATHS, type WorkOrder } from '@flowforge/protocol'
import type { GatewayPlace } from '../port.ts'

export interface PushOptions {
  order: WorkOrder
  /** Where the gateway is reached. */
  reach: { socketPath: string } | Extract<GatewayPlace, { kind: 'network' }>
  token: string
  signal: AbortSignal
}

const TRIES = 120
const AGAIN_MS = 500

/** Adds a file named for the job. Returns the commit. */
export async function pushCommit({ order, reach, token, signal }: PushOptions): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ffp-'))
  const relay = await startRelay(reach)
  const base = `http://127.0.0.1:${relay.port}`
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: directory,
      signal,
      env: { PATH: process.env.PATH ?? '', ...gitVariables(base, token, order.git.author) },
    })
    return stdout.trim()
  }
  /** As the real runner, it comes again when the gateway was away; a push that was stored already changes nothing. */
  const patiently = async (...args: string[]): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return void (await git(...args))
      } catch (error) {
        if (tries >= TRIES || signal.aborted) throw error
        await delay(AGAIN_MS, undefined, { signal })
      }
    }
  }
  try {
    const url = `${base}${GATEWAY_PATHS.git}`
    await git('init', '--quiet', '--template=')
    await patiently('fetch', '--quiet', '--no-tags', '--depth=1', '--', url, order.git.checkoutRef)
    await git('reset', '--quiet', '--hard', order.git.checkoutCommit, '--')
    await writeFile(join(directory, `dummy-${order.jobId}.txt`), `${order.attemptId}\n`)
    await git('add', '--all')
    await git('commit', '--quiet', '--message', `Dummy work of job ${order.jobId}`)
    await patiently('push', '--quiet', '--', url, `HEAD:refs/heads/${order.git.branch}`)
    return await git('rev-parse', 'HEAD')
  } finally {
    await relay.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The token travels in a variable, never in an argument. */
const gitVariables = (base: string, token: string, { name, email }: WorkOrder['git']['author']) => ({
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: `http.${base}/.extraHeader`,
  GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
  GIT_TERMINAL_PROMPT: '0',
  NO_PROXY: '127.0.0.1',
  GIT_AUTHOR_NAME: name,
  GIT_AUTHOR_EMAIL: email,
  GIT_COMMITTER_NAME: name,
  GIT_COMMITTER_EMAIL: email,
})

/** Git knows no Unix sockets: a port on the loopback address stands before the gateway. */
async function startRelay(reach: PushOptions['reach']): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(near => {
    const far = 'socketPath' in reach ? connect(reach.socketPath) : connect(reach.port, reach.host)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => near.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.')
  return {
    port: address.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

// The dummy executor whose containers outlive the worker: they are played by a process of their own (`host.ts`), that all
// workers on the same data folder share. What FLOWFORGE_EXECUTOR=dummy means.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FlowForgeError } from '../../errors.ts'
import type { ContainerHandle, ContainerStatus, Executor } from '../port.ts'
import { createCaller, Disconnected } from './wire.ts'

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url))
const START_LIMIT_MS = 15_000
const END_LIMIT_MS = 1_000
const ASK_AGAIN_MS = 25

type Caller = ReturnType<typeof createCaller>

export interface SurvivingDummy extends Executor {
  /** Lets go of the host, which ends when it has no container left; resolves when it has, or goes on without this worker. */
  close(): Promise<void>
}

export function createSurvivingDummyExecutor({ directory }: { directory: string }): SurvivingDummy {
  const socketPath = join(directory, 'dummy.sock')
  let connection: Promise<{ socket: Socket; call: Caller }> | undefined

  const connected = (): Promise<{ socket: Socket; call: Caller }> => {
    connection ??= reachHost(socketPath).then(
      socket => {
        socket.on('close', () => {
          connection = undefined
        })
        return { socket, call: createCaller(socket) }
      },
      error => {
        connection = undefined
        throw error
      },
    )
    return connection
  }
  /** Every call may be repeated; a host that was killed is started again, and its containers are gone. */
  const call = async <Result>(name: string, argument: unknown): Promise<Result> => {
    for (;;) {
      try {
        return await (await connected()).call<Result>(name, argument)
      } catch (error) {
        if (!(error instanceof Disconnected)) throw error
      }
    }
  }

  return {
    name: 'dummy',
    outlivesWorker: true,
    keepsWorkspaces: false,
    start: spec => call('start', spec),
    stop: (handle, { graceMs }) => call('stop', { handle, graceMs }),
    halt: (handle, { graceMs }) => call('halt', { handle, graceMs }),
    inspect: handle => call('inspect', handle),
    exited: (handle, signal) => abortable(call<ContainerStatus>('exited', handle), signal),
    list: () => call<ContainerHandle[]>('list', {}),
    logs: (handle, maxBytes) => call('logs', { handle, maxBytes }),
    sweep: async () => {},
    check: async () => ({
      ok: true,
      facts: { engine: 'none: scripted behaviours in a process of their own', isolationLevel: 'none' },
      problems: [],
    }),
    close: async () => {
      const open = await connection?.catch(() => undefined)
      if (!open) return
      const leaving = await open.call<{ pid: number } | null>('leave', {}).catch(() => null)
      open.socket.destroy()
      const until = performance.now() + END_LIMIT_MS
      while (leaving && isAlive(leaving.pid) && performance.now() < until) await delay(ASK_AGAIN_MS)
    },
  }
}

async function reachHost(socketPath: string): Promise<Socket> {
  const until = performance.now() + START_LIMIT_MS
  mkdirSync(join(socketPath, '..'), { recursive: true })
  for (let tries = 0; performance.now() < until; tries += 1) {
    const socket = await dial(socketPath)
    if (socket) return socket
    // Two hosts that are started at once sort it out between them: one listens, the other ends.
    if (tries % 100 === 0)
      spawn(process.execPath, [HOST, socketPath], { detached: true, stdio: 'ignore' }).unref()
    await delay(ASK_AGAIN_MS)
  }
  throw new FlowForgeError('no_capacity', 'The process that plays dummy containers could not be started.')
}

/** Rejects with its signal's reason; nobody waits for the answer then. */
async function abortable<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  answer.catch(() => {})
  try {
    return await Promise.race([answer, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const dial = (socketPath: string): Promise<Socket | null> =>
  new Promise(resolve => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(null))
  })

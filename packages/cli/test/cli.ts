// Runs the CLI as a process of its own, away from the machine's real configuration.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { newRepository, type Peer, startPeer, TOKEN } from './peer.ts'

// Processes on a busy machine take their time.
vi.setConfig({ testTimeout: 60_000 })
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 30_000, interval: 20 })

export const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Finished {
  exitCode: number | null
  stdout: string
  stderr: string
}

export interface Running {
  process: ChildProcess
  /** What stdout holds so far. */
  stdout: () => string
  stderr: () => string
  finished: Promise<Finished>
}

export interface Home extends AsyncDisposable {
  path: string
  environment: Record<string, string>
}

/** A fresh home; nothing of the caller's environment but what programs need to start. */
export async function makeHome(peer?: Peer, signedIn = true): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'flowforge-cli-'))
  return {
    path,
    environment: {
      PATH: process.env.PATH ?? '',
      HOME: path,
      FLOWFORGE_DATA_DIR: join(path, 'data'),
      ...(peer ? { FLOWFORGE_URL: peer.url } : {}),
      ...(peer && signedIn ? { FLOWFORGE_TOKEN: TOKEN } : {}),
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

export interface StartOptions {
  cwd?: string
  input?: string
  environment?: Record<string, string>
}

export function startCli(home: Home, args: string[], options: StartOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd ?? home.path,
    env: { ...home.environment, ...options.environment },
    stdio: 'pipe',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  child.stdin.end(options.input ?? '')
  const finished = new Promise<Finished>(resolve =>
    child.on('close', exitCode => resolve({ exitCode, stdout, stderr })),
  )
  return { process: child, stdout: () => stdout, stderr: () => stderr, finished }
}

export const runCli = (home: Home, args: string[], options: StartOptions = {}): Promise<Finished> =>
  startCli(home, args, options).finished

/** A peer that knows the repository `web`, and a home that is signed in to it. */
export const withPeer = async (act: (peer: Peer, home: Home) => Promise<void>) => {
  await using peer = await startPeer()
  await using home = await makeHome(peer)
  peer.repositories.push(newRepository('web', 'https://example.org/web.git'))
  await act(peer, home)
}

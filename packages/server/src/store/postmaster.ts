// One postmaster of one data folder: whether it runs, starting it, waiting until it is ready, ending it.
// PostgreSQL's own postmaster.pid is the lock between several starters. It knows nothing of roles or databases.
import { spawn } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FlowForgeError } from '../errors.ts'
import type { UnixUser } from './unprivileged-user.ts'

/** What postmaster.pid says; see "postmaster.pid" in PostgreSQL's src/include/utils/pidfile.h. */
export interface Postmaster {
  pid: number
  port: number
  socketDirectory: string
  status: 'starting' | 'stopping' | 'ready'
}

const STEP_MS = 5
/** Crash recovery of a big write-ahead log takes its time. */
const READY_TIMEOUT_MS = 120_000
const LOG_LIMIT_BYTES = 10 * 1024 * 1024

/** The running postmaster of this data folder, or undefined. PostgreSQL itself clears away a dead one's pid file. */
export const findPostmaster = async (dataFolder: string): Promise<Postmaster | undefined> => {
  const file = path.join(dataFolder, 'postmaster.pid')
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').map(line => line.trim())
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined
  if (!(await isPostmasterOf(pid, dataFolder))) {
    // The number was given to another program since (usual in a restarted container). PostgreSQL takes any living
    // process of its own user for a postmaster and would refuse to start for ever.
    await rm(file, { force: true })
    return undefined
  }
  const status = lines[7] === 'ready' || lines[7] === 'stopping' ? lines[7] : 'starting'
  return { pid, port: Number(lines[3]), socketDirectory: lines[4] ?? '', status }
}

const isPostmasterOf = async (pid: number, dataFolder: string): Promise<boolean> => {
  if (process.platform !== 'linux') return isAlive(pid)
  // Everybody may read the command line, other than /proc/PID/cwd or exe. A zombie's is empty.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const words = line.split('\0')
  const folder = words[words.indexOf('-D') + 1]
  if (words.includes('-D') && folder) return (await realpath(folder).catch(() => '')) === dataFolder
  return path.basename(words[0] ?? '').startsWith('postgres')
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Attaches to the running postmaster or starts one, and resolves when it is ready. Of two starters PostgreSQL lets one
 * win; the other finds the winner.
 */
export const ensurePostmaster = async (options: {
  postgres: string
  dataFolder: string
  arguments: string[]
  user: UnixUser | undefined
  logFile: string
}): Promise<Postmaster & { started: boolean }> => {
  const deadline = Date.now() + READY_TIMEOUT_MS
  let child: StartedPostmaster | undefined
  for (;;) {
    const found = await findPostmaster(options.dataFolder)
    if (found?.status === 'ready') return { ...found, started: found.pid === child?.pid }
    if (child?.exited && !found) throw await startFailed(options.logFile, child.logOffset)
    if (!found && !child) child = await spawnPostmaster(options)
    if (child?.exited && found?.status === 'stopping') child = undefined
    if (Date.now() > deadline) throw await startFailed(options.logFile, child?.logOffset ?? 0)
    await delay(STEP_MS)
  }
}

interface StartedPostmaster {
  pid: number | undefined
  exited: boolean
  logOffset: number
}

/** Detached and on its own log file, so that it survives us; with nothing of our environment, which holds secrets. */
const spawnPostmaster = async (options: {
  postgres: string
  dataFolder: string
  arguments: string[]
  user: UnixUser | undefined
  logFile: string
}): Promise<StartedPostmaster> => {
  await rotateLog(options.logFile)
  const log = openSync(
    options.logFile,
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  )
  const started: StartedPostmaster = { pid: undefined, exited: false, logOffset: fstatSync(log).size }
  const child = spawn(options.postgres, ['-D', options.dataFolder, ...options.arguments], {
    ...options.user,
    detached: true,
    cwd: path.dirname(options.dataFolder),
    env: POSTGRES_ENVIRONMENT,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  started.pid = child.pid
  const ended = () => {
    started.exited = true
  }
  child.on('error', ended).on('exit', ended)
  child.unref()
  return started
}

/** A macOS postmaster refuses to run when a thread was started by locale look-ups: LC_ALL must be set. */
export const POSTGRES_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const rotateLog = async (logFile: string): Promise<void> => {
  const size = await stat(logFile).then(
    file => file.size,
    () => 0,
  )
  if (size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.1`)
}

const startFailed = async (logFile: string, fromByte: number): Promise<FlowForgeError> => {
  const said = await readFrom(logFile, fromByte).catch(() => '')
  const last = said.trim().split('\n').slice(-5).join('\n')
  return new FlowForgeError(
    last.includes('No space left') ? 'disk_full' : 'database_unavailable',
    `The embedded Postgres did not start${last ? `: ${last}` : '.'} (log: ${logFile})`,
  )
}

const readFrom = async (file: string, start: number): Promise<string> => {
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(16_384), 0, 16_384, start)
  return buffer.toString('utf8', 0, bytesRead)
}

/** Fast shutdown: open transactions are rolled back, everything is written out. Resolves when the process has ended. */
export const endPostmaster = async (dataFolder: string, pid: number): Promise<void> => {
  if (!(await isPostmasterOf(pid, dataFolder))) return
  process.kill(pid, 'SIGINT')
  while (await isPostmasterOf(pid, dataFolder)) await delay(STEP_MS)
}

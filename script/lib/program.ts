// A program that runs beside the script that started it. It has a process group of its own: the terminal's Ctrl-C does
// not reach it, and whoever started it ends it. Knows nothing of what the program is.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProgramOptions {
  command: [string, ...string[]]
  /** All of it: nothing is inherited. */
  environment: Record<string, string | undefined>
  cwd?: string
  /** Gets both of its streams; what it says is read from there. */
  logFile: string
}

export interface Program {
  pid: number
  /** Waits until its output matches. Throws with the end of the output when the program ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>
  output(): string
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>
  hasEnded(): boolean
  /** SIGTERM, and SIGKILL to the whole group when that takes too long. Returns the exit code. */
  stop(): Promise<number | null>
  kill(signal: NodeJS.Signals): void
}

const POLL_MS = 20
/** Longer than a server takes to drain. */
const STOP_LIMIT_MS = 40_000

export function startProgram({ command, environment, cwd, logFile }: ProgramOptions): Program {
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'w', 0o600)
  const [file, ...args] = command
  // A file, not a pipe: the program can go on when its starter has died, and nothing is lost of what it says.
  const child = spawn(file, args, { cwd, env: environment, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  const ended = exitOf(child)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const output = () => readFileSync(logFile, 'utf8')
  return {
    pid: child.pid ?? -1,
    output,
    ended,
    hasEnded,
    said: async pattern => {
      for (;;) {
        // Asked first: what a program said last is in the file when it has ended.
        const over = hasEnded()
        const match = pattern.exec(output())
        if (match) return match
        if (over) throw new Error(lastLines(output()) || `${file} ended without a word`)
        await Promise.race([ended, delay(POLL_MS)])
      }
    },
    kill: signal => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM')
      const late = new AbortController()
      const inTime = ended.finally(() => late.abort())
      await Promise.race([inTime, delay(STOP_LIMIT_MS, undefined, { signal: late.signal }).catch(() => {})])
      if (!hasEnded()) process.kill(-child.pid!, 'SIGKILL')
      return ended
    },
  }
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code))
  })

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-15).join('\n')

/** `wanted` when nothing listens there, else any free one. */
export async function freePort(wanted = 0): Promise<number> {
  const listening = await listen(wanted)
  if (listening) return listening
  return (await listen(0))!
}

const listen = (port: number): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      ['EADDRINUSE', 'EACCES'].includes(error.code ?? '') ? resolve(null) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null))
    })
  })

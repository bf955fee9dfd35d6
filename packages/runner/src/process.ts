// Starts a child in a process group of its own, bounds its time, and ends the whole group: TERM, a grace, KILL.
// Knows nothing of what the child does.
import { type ChildProcess, spawn } from 'node:child_process'

export interface ProcessEnd {
  /** Like a shell: 128 + signal number when a signal ended it; 124 when the time was up. */
  exitCode: number
  timedOut: boolean
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/** Everything that still runs as a group of ours; what SIGTERM to the runner has to end. */
const groups = new Set<number>()

export const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}

export const signalAllGroups = (signal: NodeJS.Signals): void => {
  for (const pid of groups) signalGroup(pid, signal)
}

/** Remembers a child that was spawned `detached` elsewhere, so that it is ended with the others. */
export const trackGroup = (child: ChildProcess): void => {
  const { pid } = child
  if (pid === undefined) return
  groups.add(pid)
  child.once('exit', () => groups.delete(pid))
}

/** TERM now, KILL when the grace is over; returns what calls the KILL off. */
export const endGroup = (pid: number, graceMs: number): (() => void) => {
  signalGroup(pid, 'SIGTERM')
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs)
  return () => clearTimeout(timer)
}

const TIMED_OUT = 124
const GRACE_MS = 5000
/** When the whole attempt ends, Docker's patience counts. */
const STOP_GRACE_MS = 1500
/** A daemonised grandchild may hold the pipes open for ever: after the exit they get this long to run dry. */
const DRAIN_MS = 500

const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal ? (SIGNAL_NUMBERS[signal] ?? 0) : 0)

export interface RunOptions {
  cwd: string
  env: Record<string, string>
  timeoutMs: number
  signal: AbortSignal
  input?: string
  /** Awaited before more is read: this is how a full event buffer slows a chatty command down. */
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): Promise<void> | undefined
}

const consume = async (child: ChildProcess, stream: 'stdout' | 'stderr', options: RunOptions) => {
  const readable = child[stream]
  if (!readable) return
  try {
    for await (const chunk of readable as AsyncIterable<Buffer>) await options.onOutput(stream, chunk)
  } catch {
    // The pipe was cut by `cutPipes`; what came before it is kept.
  }
}

/** Runs to the end. Rejects only when the child can't be started or `signal` aborts (after the group is dead). */
export const runProcess = async (file: string, args: string[], options: RunOptions): Promise<ProcessEnd> => {
  options.signal.throwIfAborted()
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  trackGroup(child)
  let timedOut = false
  let spare: (() => void) | undefined
  const kill = (graceMs: number) => {
    if (child.pid !== undefined) spare ??= endGroup(child.pid, graceMs)
  }
  const onAbort = () => kill(STOP_GRACE_MS)
  const timer = setTimeout(() => {
    timedOut = true
    kill(GRACE_MS)
  }, options.timeoutMs)
  options.signal.addEventListener('abort', onAbort)
  try {
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
    const drained = Promise.all([consume(child, 'stdout', options), consume(child, 'stderr', options)])
    const { code, signal } = await exited
    // What a stopped or timed-out command left in its group must not live on; what a good one started may.
    if (timedOut || options.signal.aborted) signalGroup(child.pid ?? 0, 'SIGKILL')
    const cut = setTimeout(() => cutPipes(child), DRAIN_MS)
    await drained
    clearTimeout(cut)
    options.signal.throwIfAborted()
    return { exitCode: timedOut ? TIMED_OUT : exitCodeOf(code, signal), timedOut }
  } finally {
    clearTimeout(timer)
    spare?.()
    options.signal.removeEventListener('abort', onAbort)
  }
}

const cutPipes = (child: ChildProcess): void => {
  child.stdout?.destroy()
  child.stderr?.destroy()
}

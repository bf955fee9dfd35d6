// Runs Git: without a shell, in FlowForge's own environment, in a process group of its own, with limits on time and output.
// Knows nothing of upstreams or containers.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FlowForgeError } from '../errors.ts'
import { type GitEnvironmentOptions, gitEnvironment } from './environment.ts'

export interface GitOptions extends GitEnvironmentOptions {
  /** The bare repository to work in. Without it Git finds none, wherever the server was started. */
  repository?: string
  stdin?: string | Uint8Array | AsyncIterable<Buffer>
  signal?: AbortSignal
  timeoutMs?: number
  /** Ends a process that has written nothing for so long. For transfers, which report their progress. */
  stallMs?: number
  maxOutputBytes?: number
  /** More output than that is cut off instead of being a failure; `truncated` tells. */
  truncate?: boolean
  /** Exit codes that are answers, not failures. */
  expectedExits?: readonly number[]
  onProgress?: (line: string) => void
  /** Texts that must not appear in an error: a hostile server can send our credential back to us. */
  secrets?: readonly string[]
}

export interface GitOutput {
  exitCode: number
  stdout: Buffer
  stderr: string
  truncated: boolean
}

/** Git ended in a way that its caller did not expect. Callers who know why turn it into a FlowForgeError. */
export class GitExit extends Error {
  readonly exitCode: number | null
  readonly stderr: string
  readonly stdout: string
  readonly ending: GitEnding

  constructor(
    command: string,
    ending: GitEnding,
    output: { exitCode: number | null; stdout: string; stderr: string },
  ) {
    super(
      `git ${command} ${ENDINGS[ending]}${ending === 'exit' ? ` ${output.exitCode}` : ''}: ${output.stderr.slice(-600)}`,
    )
    this.name = 'GitExit'
    this.ending = ending
    this.exitCode = output.exitCode
    this.stdout = output.stdout
    this.stderr = output.stderr
  }
}

const ENDINGS = {
  exit: 'ended with',
  killed: 'was killed',
  timeout: 'took too long',
  stalled: 'made no progress',
  overflow: 'wrote more than it may',
} as const
export type GitEnding = keyof typeof ENDINGS

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const MAX_STDERR_CHARS = 64 * 1024

/** Starts Git for streaming. End it with `killGit`, which takes its helpers (remote-https, index-pack, ssh) with it. */
export function spawnGit(args: readonly string[], options: GitOptions = {}): ChildProcessWithoutNullStreams {
  const { repository } = options
  const variables = { ...options.variables, ...(repository === undefined ? {} : { GIT_DIR: '.' }) }
  const child = spawn('git', args, {
    cwd: repository ?? '/',
    env: gitEnvironment({ settings: options.settings ?? [], variables }),
    detached: true,
    stdio: 'pipe',
  })
  // A reader that left early is seen at the exit code; without a listener its EPIPE would end the server.
  child.stdin.on('error', () => {})
  return child
}

export function killGit(child: { pid?: number | undefined }): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group has ended already.
  }
}

/** Runs Git to its end. Throws the signal's reason when aborted, `disk_full`, or GitExit. */
export async function runGit(args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
  options.signal?.throwIfAborted()
  const child = spawnGit(args, options)
  let ending = 'exit' as GitEnding
  const end = (why: GitEnding) => {
    ending = why
    killGit(child)
  }
  const stdout = collect(child, options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES, () => end('overflow'))
  const stderr = collectMessages(child, options)
  const stopWatching = watch(child, options, end)
  const fed = feed(child, options.stdin)
  // Looked at below; until then, and when something else failed first, it is no unhandled rejection.
  fed.catch(() => {})
  try {
    const exitCode = await ended(child, options.repository)
    options.signal?.throwIfAborted()
    await fed
    const truncated = ending === 'overflow'
    const output = {
      exitCode: exitCode ?? -1,
      stdout: stdout(),
      stderr: redact(stderr(), options.secrets),
      truncated,
    }
    if (truncated && options.truncate === true) return output
    if (ending === 'exit' && exitCode === null) ending = 'killed'
    if (ending === 'exit' && (options.expectedExits ?? [0]).includes(output.exitCode)) return output
    throw failure(args, ending, output, options.secrets)
  } finally {
    stopWatching()
  }
}

/** The trimmed standard output. */
export async function gitText(args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await runGit(args, options)).stdout.toString().trim()
}

function failure(
  args: readonly string[],
  ending: GitEnding,
  output: GitOutput,
  secrets: GitOptions['secrets'],
): Error {
  const stdout = redact(output.stdout.toString(), secrets)
  const exit = new GitExit(args[0] ?? '', ending, { ...output, stdout })
  return isDiskFull(output.stderr)
    ? new FlowForgeError('disk_full', 'No space is left for the Git mirror. Free some, then try again.', {
        cause: exit,
      })
    : exit
}

/** What the other side says of its own disk comes as `remote: …` and is no matter of ours. */
function isDiskFull(stderr: string): boolean {
  return stderr
    .split('\n')
    .some(line => !line.startsWith('remote:') && /No space left on device|Disk quota exceeded/.test(line))
}

/** Rejects when the source fails. A Git that stops reading is judged by its exit code alone. */
async function feed(child: ChildProcessWithoutNullStreams, input: GitOptions['stdin']): Promise<void> {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array)
    return void child.stdin.end(input)
  const source = Readable.from(input)
  let failure: Error | null = null
  source.once('error', error => {
    failure = error
    killGit(child)
  })
  await pipeline(source, child.stdin).catch(() => {})
  if (failure !== null) throw failure
}

function ended(
  child: ChildProcessWithoutNullStreams,
  repository: string | undefined,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', cause => reject(notStarted(cause, repository)))
    child.once('close', code => resolve(code))
  })
}

/** A missing working directory and a missing program look alike to the one who starts a process. */
export function notStarted(cause: Error, repository: string | undefined): FlowForgeError {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
    return new FlowForgeError('unavailable', `Git could not be started: ${cause.message}.`, { cause })
  }
  return repository === undefined || existsSync(repository)
    ? new FlowForgeError('unavailable', 'Git is missing. Install git 2.39 or newer on this machine.', {
        cause,
      })
    : new FlowForgeError('repository_not_found', 'The data of this repository is not on this machine.', {
        cause,
      })
}

function collect(
  child: ChildProcessWithoutNullStreams,
  maxBytes: number,
  overflow: () => void,
): () => Buffer {
  const chunks: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    if (size > maxBytes) return
    size += chunk.length
    chunks.push(chunk)
    if (size > maxBytes) overflow()
  })
  return () => Buffer.concat(chunks).subarray(0, maxBytes)
}

function collectMessages(
  child: ChildProcessWithoutNullStreams,
  { onProgress, secrets }: Pick<GitOptions, 'onProgress' | 'secrets'>,
): () => string {
  const messages = createMessageLog(onProgress && (line => onProgress(redact(line, secrets))))
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', messages.add)
  return messages.text
}

/**
 * Git ends a progress line with a carriage return and a message with a line feed (ssh with both). Progress is handed on and
 * forgotten, so that a long transfer does not push the reason for its failure out of the log.
 */
export function createMessageLog(onProgress?: (line: string) => void) {
  let kept = ''
  let partial = ''
  return {
    add(chunk: string): void {
      const pieces = (partial + chunk).split(LINE_END)
      partial = pieces.at(-1)?.endsWith('\n') ? '' : (pieces.pop() ?? '').slice(-MAX_STDERR_CHARS)
      for (const piece of pieces) {
        if (piece.endsWith('\n')) kept = (kept + piece).slice(-MAX_STDERR_CHARS)
        const line = piece.trim()
        if (line !== '') onProgress?.(line)
      }
    },
    text: (): string => (kept + (partial.endsWith('\r') ? '' : partial)).trim(),
  }
}

/** A carriage return that is the last so far may yet be followed by its line feed. */
const LINE_END = /(?<=\n|\r(?!\n|$))/

function watch(
  child: ChildProcessWithoutNullStreams,
  options: GitOptions,
  end: (why: GitEnding) => void,
): () => void {
  const timeout = setTimeout(() => end('timeout'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  const onAbort = () => killGit(child)
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const { stallMs } = options
  const stall = stallMs === undefined ? undefined : setTimeout(() => end('stalled'), stallMs)
  const alive = () => stall?.refresh()
  if (stall !== undefined) for (const stream of [child.stdout, child.stderr]) stream.on('data', alive)
  return () => {
    clearTimeout(timeout)
    clearTimeout(stall)
    options.signal?.removeEventListener('abort', onAbort)
  }
}

function redact(text: string, secrets: readonly string[] = []): string {
  return secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '[hidden]')), text)
}

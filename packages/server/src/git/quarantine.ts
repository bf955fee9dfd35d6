// Takes in what a container pushes: into a directory apart, where it is unpacked, checked and looked at while nobody else can see
// it; then, in one step, into the mirror. Knows commits and limits, not who pushes what.
import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { allMessages } from './failures.ts'
import { checkedCommit } from './reading.ts'
import { attemptRef, jobHeadRef, rescueRef, workRef } from './refname.ts'
import { GitExit, type GitOptions, runGit } from './run.ts'
import { despiteStaleLocks } from './stale-files.ts'

export interface PushLimits {
  maxPackBytes: number
  /** Bounds what one object may take of memory when a small pack unfolds. Larger ones can only come undeltified. */
  maxObjectBytes: number
  maxObjects: number
  maxCommits: number
  timeoutMs: number
}

export const DEFAULT_PUSH_LIMITS: PushLimits = {
  maxPackBytes: 1024 ** 3,
  maxObjectBytes: 256 * 1024 ** 2,
  maxObjects: 500_000,
  maxCommits: 2_000,
  timeoutMs: 10 * 60_000,
}

/** Why a push is not taken; the text is for whoever pushed. */
export class PushRefused extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'PushRefused'
  }
}

export interface QuarantineOptions {
  mirror: string
  /** Made for this push, removed by `discard`. On the mirror's file system, else storing has to copy. */
  directory: string
  limits: PushLimits
  signal: AbortSignal
}

/** One push on its way. The order is `receive`, `inspect`, `store`; `discard` at any time. */
export function openQuarantine({ mirror, directory, limits, signal }: QuarantineOptions) {
  const options: GitOptions = {
    repository: mirror,
    signal,
    timeoutMs: limits.timeoutMs,
    settings: [
      ['pack.threads', '1'],
      ['core.bigFileThreshold', '16m'],
    ],
    variables: {
      GIT_OBJECT_DIRECTORY: directory,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(join(mirror, 'objects')),
      GIT_ALLOC_LIMIT: String(limits.maxObjectBytes),
    },
  }

  /** Unpacks and checks every object of the pack. */
  async function receive(pack: {
    take(size: number): Promise<Buffer | null>
    rest(): AsyncIterable<Buffer>
  }): Promise<void> {
    const header = await pack.take(12)
    if (header === null || header.toString('latin1', 0, 4) !== 'PACK')
      throw new PushRefused('the push carries no pack')
    const objects = header.readUInt32BE(8)
    if (objects > limits.maxObjects)
      throw new PushRefused(`the push has more than ${limits.maxObjects} objects`)
    // Git takes a repository for none when its object directory is missing.
    await mkdir(directory, { recursive: true })
    if (objects === 0) return drain(pack.rest())
    const args = [
      'index-pack',
      '--stdin',
      '--fix-thin',
      '--strict',
      `--max-input-size=${limits.maxPackBytes}`,
    ]
    await refusing(() => runGit(args, { ...options, stdin: prepended(header, pack.rest()) }))
  }

  /**
   * The commits that `head` adds to `tip`, newest first. Refuses when `head` is no commit, does not descend from `tip`, adds too
   * much, or when something that it needs is missing.
   */
  async function inspect(tip: string, head: string): Promise<string[]> {
    const [from, to] = [checkedCommit(tip), checkedCommit(head)]
    const most = `--max-count=${limits.maxCommits + 1}`
    const [history] = await refusing(() =>
      Promise.all([
        runGit(['rev-list', '--left-right', most, `${from}...${to}`, '--'], options),
        runGit(['rev-list', '--objects', '--quiet', to, `^${from}`, '--'], options),
      ]),
    )
    const lines = history.stdout.toString().split('\n').filter(Boolean)
    if (lines.some(line => line.startsWith('<')))
      throw new PushRefused('the new commits do not build on the previous ones')
    if (lines.length > limits.maxCommits)
      throw new PushRefused(`the push has more than ${limits.maxCommits} commits`)
    const commits = lines.map(line => line.slice(1))
    if (to !== from && !commits.includes(to)) throw new PushRefused('a branch can only point at a commit')
    return commits
  }

  /** Runs a reading Git command on the pushed objects, for further policies. */
  const read = (args: readonly string[]): Promise<Buffer> =>
    refusing(async () => (await runGit(args, options)).stdout)

  /** From here on the push survives a power cut. Throws PushRefused when somebody was faster. */
  async function store(move: ResultMove, kind: 'result' | 'work' | 'rescue' = 'result'): Promise<void> {
    await moveObjects(join(directory, 'pack'), join(mirror, 'objects', 'pack'))
    signal.throwIfAborted()
    await moveRefs(mirror, MOVES[kind](move))
  }

  const discard = (): Promise<void> => rm(directory, { recursive: true, force: true })

  return { receive, inspect, read, store, discard }
}
export type Quarantine = ReturnType<typeof openQuarantine>

export interface ResultMove {
  jobId: string
  attemptNumber: number
  /** What the attempt had pushed before. */
  previous: string | null
  commit: string
}

const nothingLike = (commit: string): string => '0'.repeat(commit.length)

/** An attempt moves only what it left itself, and nothing once a later attempt has pushed. */
const resultMove = ({ jobId, attemptNumber, previous, commit }: ResultMove): string[] => [
  `update ${attemptRef(jobId, attemptNumber)} ${commit} ${previous ?? nothingLike(commit)}`,
  `update ${jobHeadRef(jobId)} ${commit}`,
  `verify ${attemptRef(jobId, attemptNumber + 1)} ${nothingLike(commit)}`,
]

/** Not the job's result: nobody publishes it. */
const workMove = ({ jobId, attemptNumber, previous, commit }: ResultMove): string[] => [
  `update ${workRef(jobId, attemptNumber)} ${commit} ${previous ?? nothingLike(commit)}`,
]

const rescueMove = ({ jobId, attemptNumber, previous, commit }: ResultMove): string[] => [
  `update ${rescueRef(jobId, attemptNumber)} ${commit} ${previous ?? nothingLike(commit)}`,
]

const MOVES = { result: resultMove, work: workMove, rescue: rescueMove }

/** All of them or none. */
async function moveRefs(mirror: string, moves: string[]): Promise<void> {
  const input = [...moves, ''].join('\n')
  try {
    await despiteStaleLocks(mirror, () =>
      runGit(['update-ref', '--stdin'], { repository: mirror, stdin: input }),
    )
  } catch (error) {
    if (!(error instanceof GitExit)) throw error
    throw new PushRefused('the branch was moved by another push; fetch it and try again')
  }
}

/** A pack counts from the moment its index is there, hence last (as Git's own tmp-objdir.c does). */
async function moveObjects(from: string, to: string): Promise<void> {
  const order = ['.pack', '.rev', '.idx']
  const rank = (name: string) => order.findIndex(ending => name.endsWith(ending))
  const names = (await readdir(from).catch(() => [])).filter(name => rank(name) >= 0)
  if (names.length === 0) return
  for (const name of names.toSorted((a, b) => rank(a) - rank(b)))
    await moveFile(join(from, name), join(to, name))
  await syncDirectory(to)
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
    const temporary = `${to}.tmp-${crypto.randomUUID()}`
    await copyFile(from, temporary)
    const file = await open(temporary)
    await file.sync().finally(() => file.close())
    await rename(temporary, to)
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  await directory.sync().finally(() => directory.close())
}

/** What Git says against the pushed objects is a refusal; a full disk or an ended attempt is not. */
async function refusing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (isFlowForgeError(error, 'disk_full'))
      throw new FlowForgeError('disk_full', 'FlowForge has no space left for this push.')
    if (!(error instanceof GitExit)) throw error
    if (error.ending === 'timeout') throw new PushRefused('the push took too long to check')
    throw new PushRefused(allMessages(error.stderr) || 'the pushed objects are damaged')
  }
}

async function* prepended(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield head
  yield* rest
}

export async function drain(stream: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of stream);
}

// Puts a job's result where people work: a branch of the upstream, or of the hosted repository itself. Compare-and-swap, so that
// doing it twice is safe and somebody else's work is never overwritten.
import { FlowForgeError } from '../errors.ts'
import { lastMessage, plainLine, remoteMessages } from './failures.ts'
import { checkedCommit, readRef } from './reading.ts'
import { branchRef } from './refname.ts'
import { GitExit, runGit } from './run.ts'
import { despiteStaleLocks } from './stale-files.ts'
import type { UpstreamSession } from './upstream.ts'

export interface Publication {
  branch: string
  commit: string
  /** The commit that the branch is at; null when it must not exist yet. */
  expected: string | null
}

export type Published = 'published' | 'already'

const PUSH_TIMEOUT_MS = 30 * 60_000
/** The host's own checks on a push run in silence. */
const STALL_MS = 5 * 60_000

export async function pushUpstream(
  repository: string,
  session: UpstreamSession,
  { branch, commit, expected }: Publication,
  signal?: AbortSignal,
): Promise<Published> {
  const ref = branchRef(branch)
  const lease = `--force-with-lease=${ref}:${expected === null ? '' : checkedCommit(expected)}`
  const args = [
    'push',
    '--porcelain',
    '--progress',
    '--no-verify',
    '--no-recurse-submodules',
    lease,
    '--',
    session.url,
  ]
  const options = { ...session.options, repository, timeoutMs: PUSH_TIMEOUT_MS, stallMs: STALL_MS }
  try {
    const { stdout } = await runGit([...args, `${checkedCommit(commit)}:${ref}`], {
      ...options,
      ...(signal ? { signal } : {}),
    })
    return /^=\t/m.test(stdout.toString()) ? 'already' : 'published'
  } catch (error) {
    throw (error instanceof GitExit && rejection(error, branch)) || error
  }
}

/** For hosted repositories: the mirror is where people fetch from. */
export async function moveBranch(
  repository: string,
  { branch, commit, expected }: Publication,
): Promise<Published> {
  const ref = branchRef(branch)
  if ((await readRef(repository, ref)) === commit) return 'already'
  const zero = '0'.repeat(commit.length)
  const args = [
    'update-ref',
    '--no-deref',
    ref,
    checkedCommit(commit),
    expected === null ? zero : checkedCommit(expected),
  ]
  try {
    await despiteStaleLocks(repository, () => runGit(args, { repository }))
    return 'published'
  } catch (error) {
    if (!(error instanceof GitExit)) throw error
    if ((await readRef(repository, ref)) === commit) return 'already'
    throw new FlowForgeError(
      'push_rejected',
      `The branch "${branch}" could not be moved: ${lastMessage(error.stderr)}.`,
      { cause: error },
    )
  }
}

/** The porcelain line of a refused ref: `!\t<from>:<to>\t[remote rejected] (why)`. */
function rejection(error: GitExit, branch: string): FlowForgeError | null {
  const line = /^!\t[^\t]*\t(.*)$/m.exec(error.stdout)?.[1]
  if (line === undefined) return null
  const why = plainLine(line)
  const moved = /stale info|fetch first|non-fast-forward/.test(why)
  const said = remoteMessages(error.stderr)
  const message = moved
    ? `The branch "${branch}" has changed at the Git host since FlowForge last saw it. Choose another branch name, or retry on the new state.`
    : `The Git host refused the push to "${branch}": ${why}${said === '' ? '' : ` (${said})`}. Check the branch protection and what the credential may do.`
  return new FlowForgeError('push_rejected', message, { cause: error, details: { moved } })
}

// Brings a job's branch into the work tree. Never touches what is checked out, and never throws work away.
import { CliFailure } from '../failure.ts'
import { git, gitOutput, lastWords } from './git.ts'
import { type HostedRemote, type Inherited, remoteEnvironment } from './hosted-remote.ts'

export interface FetchedResult {
  /** What to give to `git merge`. */
  ref: string
  /** Set when the branch of that name could not take it. */
  why?: 'checked out' | 'has other commits'
}

export async function fetchResult(
  path: string,
  remote: HostedRemote,
  job: { branch: string; number: number },
  inherited: Inherited,
): Promise<FetchedResult> {
  const kept = `refs/flowforge/jobs/${job.number}`
  await fetchInto(path, remote, `+refs/heads/${job.branch}:${kept}`, inherited)
  const why = await moveBranch(path, `refs/heads/${job.branch}`, kept)
  if (why !== undefined) return { ref: kept, why }
  await gitOutput(path, ['update-ref', '-d', kept])
  return { ref: job.branch }
}

async function fetchInto(path: string, remote: HostedRemote, refspec: string, inherited: Inherited) {
  const flags = ['--quiet', '--no-tags', '--no-prune', '--no-write-fetch-head', '--recurse-submodules=no']
  const { exitCode, stderr } = await git(
    path,
    // An agent made these objects: refuse what a checkout could stumble over.
    ['-c', 'fetch.fsckObjects=true', 'fetch', ...flags, '--', remote.url, refspec],
    remoteEnvironment(remote, inherited),
  )
  if (exitCode !== 0) throw new CliFailure(`The result could not be fetched: ${lastWords(stderr)}`)
}

/** Undefined when the branch is at the result now. */
async function moveBranch(path: string, branch: string, result: string): Promise<FetchedResult['why']> {
  const commit = await gitOutput(path, ['rev-parse', '--verify', result])
  const old = await git(path, ['rev-parse', '--verify', '--quiet', branch])
  if (old.exitCode === 0) {
    if (old.stdout === commit) return undefined
    if (await isCheckedOut(path, branch)) return 'checked out'
    const forward = await git(path, ['merge-base', '--is-ancestor', old.stdout, commit])
    if (forward.exitCode !== 0) return 'has other commits'
  }
  // Compare-and-swap: someone else may commit meanwhile. An empty old value means "must not exist".
  const expected = old.exitCode === 0 ? old.stdout : ''
  const reason = 'flowforge: result of a job'
  const moved = await git(path, ['update-ref', '-m', reason, branch, commit, expected])
  return moved.exitCode === 0 ? undefined : 'has other commits'
}

async function isCheckedOut(path: string, branch: string): Promise<boolean> {
  const worktrees = await gitOutput(path, ['worktree', 'list', '--porcelain'])
  return worktrees.split('\n').includes(`branch ${branch}`)
}

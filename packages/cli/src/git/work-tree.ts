// What the CLI wants to know of the work tree it stands in.
import { basename } from 'node:path'
import { CliFailure, usageError } from '../failure.ts'
import { git, gitOutput } from './git.ts'

export interface WorkTree {
  /** Its top folder. */
  path: string
  head: string
  /** The branch that HEAD is on; for a detached HEAD a name made from the commit. */
  branch: string
  hasUncommittedChanges: boolean
  isShallow: boolean
}

export async function readWorkTree(cwd: string): Promise<WorkTree> {
  const { stdout: path } = await git(cwd, ['rev-parse', '--show-toplevel'])
  if (path === '') {
    throw usageError(
      `${cwd} is not in a Git work tree.`,
      'Change into one, or say where to work with --repo NAME or --repo URL.',
    )
  }
  const head = await git(path, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (head.exitCode !== 0) {
    throw new CliFailure(`${path} has no commits yet.`, {
      next: 'Make one first: git add . && git commit -m "First commit"',
    })
  }
  const [branch, status, shallow] = await Promise.all([
    git(path, ['symbolic-ref', '--short', '--quiet', 'HEAD']),
    gitOutput(path, ['status', '--porcelain']),
    gitOutput(path, ['rev-parse', '--is-shallow-repository']),
  ])
  return {
    path,
    head: head.stdout,
    branch: branch.exitCode === 0 ? branch.stdout : `flowforge-head-${head.stdout.slice(0, 8)}`,
    hasUncommittedChanges: status !== '',
    isShallow: shallow === 'true',
  }
}

/** A name that a repository on the server can have. */
export function repositoryName(from: string): string {
  const name = basename(from.replace(/\/+$/, ''))
    .replace(/\.git$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .slice(0, 60)
  return name === '' ? 'repository' : name
}

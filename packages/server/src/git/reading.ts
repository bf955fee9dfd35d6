// Reads a bare repository: branches, the diff and the commits of a job. Nothing here changes anything, and nothing that a
// repository contains (attributes, text conversion, external diff programs) is ever run.

import { isValidBranchName } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import { branchRef } from './refname.ts'
import { gitText, runGit } from './run.ts'

export interface Branch {
  name: string
  commit: string
}

export interface Diff {
  /** Unified; cut at a line end when it is longer than was asked for. */
  text: string
  truncated: boolean
  filesChanged: number
  insertions: number
  deletions: number
}

export interface Commit {
  id: string
  authorName: string
  authorEmail: string
  authoredAt: string
  subject: string
  body: string
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const BRANCHES_IN_MESSAGE = 10

/** null means the default branch. Throws `branch_name_invalid`, `base_not_found` or `repository_empty`. */
export async function resolveBranch(
  repository: string,
  name: string | null,
): Promise<{ branch: string; commit: string }> {
  if (name !== null && !isValidBranchName(name)) {
    throw new FlowForgeError(
      'branch_name_invalid',
      'This is not a valid name of a branch. See git-check-ref-format(1).',
    )
  }
  const found = name === null ? await headBranch(repository) : await branchCommit(repository, name)
  if (found !== null) return found
  const branches = await recentBranches(repository)
  if (branches.length === 0) {
    throw new FlowForgeError(
      'repository_empty',
      'The repository has no commits. Push a first one, then try again.',
    )
  }
  const substitute = name === null ? usualDefault(branches) : undefined
  if (substitute !== undefined) return { branch: substitute.name, commit: substitute.commit }
  throw baseNotFound(name, branches)
}

export async function listBranches(repository: string): Promise<Branch[]> {
  return readBranches(repository, ['--sort=refname'])
}

/** The commit that a full ref name points at, or null. */
export async function readRef(repository: string, ref: string): Promise<string | null> {
  const options = { repository, expectedExits: [0, 1] }
  const commit = await gitText(
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`],
    options,
  )
  return commit === '' ? null : commit
}

/** What changed from `base` to `head`, which is a descendant of it. Renames are found. */
export async function diff(
  repository: string,
  base: string,
  head: string,
  { maxBytes }: { maxBytes: number },
): Promise<Diff> {
  const [from, to] = [checkedCommit(base), checkedCommit(head)]
  const args = [
    'diff-tree',
    '-r',
    '-M',
    '--shortstat',
    '--patch',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    from,
    to,
    '--',
  ]
  const { stdout, truncated } = await runGit(args, { repository, maxOutputBytes: maxBytes, truncate: true })
  const output = stdout.toString()
  const statEnd = output.indexOf('\n') + 1
  const patch = output.slice(statEnd).replace(/^\n/, '')
  return {
    text: truncated ? patch.slice(0, patch.lastIndexOf('\n') + 1) : patch,
    truncated,
    ...parseShortStat(output.slice(0, statEnd)),
  }
}

/** The commits that `head` has and `base` has not, newest first. */
export async function log(
  repository: string,
  base: string,
  head: string,
  { limit }: { limit: number },
): Promise<Commit[]> {
  const format = '%H%x00%an%x00%ae%x00%aI%x00%s%x00%b'
  const range = `${checkedCommit(base)}..${checkedCommit(head)}`
  const args = [
    'log',
    '-z',
    `--format=${format}`,
    `--max-count=${limit}`,
    '--no-show-signature',
    '--no-mailmap',
    range,
    '--',
  ]
  const fields = (await runGit(args, { repository })).stdout.toString().split('\0')
  const commits: Commit[] = []
  for (let at = 0; at + 6 <= fields.length; at += 6) {
    const [id, authorName, authorEmail, authoredAt, subject, body] = fields.slice(at, at + 6) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    commits.push({ id, authorName, authorEmail, authoredAt, subject, body: body.trimEnd() })
  }
  return commits
}

export function parseShortStat(line: string): Pick<Diff, 'filesChanged' | 'insertions' | 'deletions'> {
  const count = (pattern: RegExp) => Number(pattern.exec(line)?.[1] ?? 0)
  return {
    filesChanged: count(/(\d+) files? changed/),
    insertions: count(/(\d+) insertions?\(/),
    deletions: count(/(\d+) deletions?\(/),
  }
}

export function checkedCommit(id: string): string {
  if (!COMMIT.test(id)) throw new Error(`not a commit id: ${JSON.stringify(id.slice(0, 80))}`)
  return id
}

async function headBranch(repository: string): Promise<{ branch: string; commit: string } | null> {
  const args = ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']
  const [head, commit] = await Promise.all([
    gitText(['symbolic-ref', '--quiet', 'HEAD'], { repository, expectedExits: [0, 1] }),
    gitText(args, { repository, expectedExits: [0, 1] }),
  ])
  return commit === '' || head === '' ? null : { branch: head.slice('refs/heads/'.length), commit }
}

async function branchCommit(
  repository: string,
  branch: string,
): Promise<{ branch: string; commit: string } | null> {
  const commit = await readRef(repository, branchRef(branch))
  return commit === null ? null : { branch, commit }
}

/** When the upstream's HEAD names a branch that is not there. */
function usualDefault(branches: Branch[]): Branch | undefined {
  const named = (name: string) => branches.find(branch => branch.name === name)
  return named('main') ?? named('master') ?? (branches.length === 1 ? branches[0] : undefined)
}

const recentBranches = (repository: string): Promise<Branch[]> =>
  readBranches(repository, ['--sort=-committerdate'])

async function readBranches(repository: string, args: string[]): Promise<Branch[]> {
  const text = await gitText(
    ['for-each-ref', ...args, '--format=%(objectname) %(refname:lstrip=2)', 'refs/heads'],
    { repository },
  )
  return text === ''
    ? []
    : text
        .split('\n')
        .map(line => ({ commit: line.split(' ', 1)[0]!, name: line.slice(line.indexOf(' ') + 1) }))
}

function baseNotFound(name: string | null, branches: Branch[]): FlowForgeError {
  const names = branches.slice(0, BRANCHES_IN_MESSAGE).map(branch => branch.name)
  const more = branches.length - names.length
  const list = names.join(', ') + (more > 0 ? ` and ${more} more` : '')
  const what = name === null ? 'The repository has no default branch' : `The branch "${name}" does not exist`
  return new FlowForgeError('base_not_found', `${what}. It has: ${list}.`, { details: { branches: names } })
}

// Git as the runner uses it: check the repository out, commit what is left uncommitted, push. The agent may have written
// the clone's configuration and hooks, so every call overrides what could run programs or leave the work tree.
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { WORK_IN_PROGRESS, WORK_REF, type WorkOrder } from '@flowforge/protocol'
import { isDiskFull, RunError } from './failure.ts'
import { runProcess } from './process.ts'
import { cleanText, cutStart } from './text.ts'

export interface GitContext {
  repository: string
  url: string
  env: Record<string, string>
  signal: AbortSignal
}

interface GitEnd {
  exitCode: number
  stdout: string
  stderr: string
}

const OVERRIDES = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.sshCommand=false',
  'core.quotePath=false',
  'commit.gpgSign=false',
  'push.gpgSign=false',
  'push.followTags=false',
  'push.recurseSubmodules=no',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'advice.addEmbeddedRepo=false',
  'gc.auto=0',
].flatMap(setting => ['-c', setting])

/** A transfer that moves nothing for so long is dead; a gateway that restarts is back long before. */
const STALLED_TRANSFER = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=600']
const MAX_OUTPUT_CHARS = 4 * 1024 * 1024
/** The job's own time limit ends a slow clone; this only catches what hangs for ever. */
const TIMEOUT_MS = 6 * 60 * 60_000

const collect = () => {
  const decoder = new TextDecoder()
  let text = ''
  return {
    add: (chunk: Buffer) => {
      if (text.length < MAX_OUTPUT_CHARS) text += decoder.decode(chunk, { stream: true })
    },
    read: () => cleanText(text),
  }
}

const git = async (context: GitContext, args: string[], input?: string): Promise<GitEnd> => {
  const out = { stdout: collect(), stderr: collect() }
  const located = [`--git-dir=${join(context.repository, '.git')}`, `--work-tree=${context.repository}`]
  const { exitCode } = await runProcess('git', [...located, ...OVERRIDES, ...STALLED_TRANSFER, ...args], {
    cwd: context.repository,
    env: context.env,
    timeoutMs: TIMEOUT_MS,
    signal: context.signal,
    ...(input === undefined ? {} : { input }),
    onOutput: (stream, chunk) => {
      out[stream].add(chunk)
      return undefined
    },
  })
  return { exitCode, stdout: out.stdout.read(), stderr: out.stderr.read() }
}

const describe = (act: string, end: GitEnd): string =>
  `${act} failed (git exit ${end.exitCode}): ${cutStart((end.stderr || end.stdout).trim(), 4000)}`

const cloneFailure = (act: string, end: GitEnd): RunError => {
  const message = describe(act, end)
  if (isDiskFull(end.stderr)) return new RunError('disk_full', `The workspace is full: ${message}`)
  if (/couldn't find remote ref|not our ref/i.test(end.stderr)) return new RunError('base_not_found', message)
  if (/Authentication failed|could not read Username|error: 40[13]/i.test(end.stderr))
    return new RunError('git_auth', message)
  return new RunError('git_unreachable', message)
}

/** What makes `git fetch` and `git diff origin/main` work for the agent; blobs left out are asked for when needed. */
const remoteConfig = (url: string, filter: string | undefined): string =>
  [
    '[remote "origin"]',
    `\turl = ${url}`,
    '\tfetch = +refs/heads/*:refs/remotes/origin/*',
    ...(filter ? ['\tpromisor = true', `\tpartialCloneFilter = ${filter}`] : []),
    '',
  ].join('\n')

/** Three processes (init, fetch, reset) into a directory that exists already: Claude Code was started in it. */
export const checkOut = async (context: GitContext, order: WorkOrder['git']): Promise<void> => {
  mkdirSync(context.repository, { recursive: true })
  const init = await git(context, [
    'init',
    '--quiet',
    '--template=',
    `--initial-branch=${order.branch}`,
    context.repository,
  ])
  if (init.exitCode !== 0) throw cloneFailure('Preparing the clone', init)
  appendFileSync(join(context.repository, '.git/config'), remoteConfig(context.url, order.filter))
  const tracking = `refs/remotes/origin/${order.baseBranch}`
  const fetch = await git(context, [
    'fetch',
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-show-forced-updates',
    '--no-auto-maintenance',
    ...(order.filter ? [`--filter=${order.filter}`] : []),
    'origin',
    `+${order.checkoutRef}:${tracking}`,
  ])
  if (fetch.exitCode !== 0) throw cloneFailure('Cloning', fetch)
  await checkOutCommit(context, order.checkoutCommit)
  if (order.restore) await restoreWork(context, order.restore)
}

const checkOutCommit = async (context: GitContext, commit: string): Promise<void> => {
  const reset = await git(context, ['reset', '--quiet', '--hard', commit, '--'])
  if (reset.exitCode !== 0) throw cloneFailure(`Checking out ${commit}`, reset)
}

export const RESCUE_MESSAGE = 'Uncommitted work, saved by FlowForge when the attempt broke off\n'
const UNCOMMITTED = new Set([WORK_IN_PROGRESS, RESCUE_MESSAGE.trim()])

/** What was uncommitted when it was kept is so again. */
const restoreWork = async (
  context: GitContext,
  { commit, ref }: NonNullable<WorkOrder['git']['restore']>,
): Promise<void> => {
  const fetch = await git(context, ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', 'origin', ref])
  if (fetch.exitCode !== 0) throw cloneFailure('Fetching the work of the earlier attempt', fetch)
  await checkOutCommit(context, commit)
  const subject = await git(context, ['log', '-1', '--format=%s'])
  if (UNCOMMITTED.has(subject.stdout.trim())) await git(context, ['reset', '--quiet', '--mixed', 'HEAD^'])
}

const afterAgent = (act: string, end: GitEnd): RunError => {
  const message = describe(act, end)
  return isDiskFull(end.stderr)
    ? new RunError('disk_full', `The workspace is full: ${message}`)
    : new RunError('agent_error', `${message}. The agent may have damaged the clone.`)
}

/** Commits everything that .gitignore does not exclude. False when there is nothing to commit. */
export const commitAll = async (context: GitContext, message: string): Promise<boolean> => {
  // A git that the agent started and that was killed with it leaves its lock behind.
  rmSync(join(context.repository, '.git/index.lock'), { force: true })
  const add = await git(context, ['add', '--all'])
  if (add.exitCode !== 0) throw afterAgent('Staging the changes', add)
  const args = ['commit', '--quiet', '--no-verify', '--cleanup=whitespace', '--file=-']
  const commit = await git(context, args, message)
  if (commit.exitCode === 0) return true
  // Asked only now: looking first would cost every job a walk over the work tree.
  const unchanged = await git(context, ['diff', '--cached', '--quiet', 'HEAD', '--'])
  if (unchanged.exitCode !== 0) throw afterAgent('Committing', commit)
  return false
}

export const readHead = async (context: GitContext): Promise<{ head: string; parents: string[] }> => {
  const end = await git(context, ['rev-list', '--parents', '--max-count=1', 'HEAD', '--'])
  const [head, ...parents] = end.stdout.trim().split(' ')
  if (end.exitCode !== 0 || !head) throw afterAgent('Reading HEAD', end)
  return { head, parents }
}

export const isAncestor = async (context: GitContext, base: string, head: string): Promise<boolean> =>
  (await git(context, ['merge-base', '--is-ancestor', base, head])).exitCode === 0

/** The server's own words, without Git's dressing. */
export const rejectionText = (stdout: string, stderr: string): string | undefined => {
  const refused = stdout.split('\n').find(line => line.startsWith('!\t'))
  if (refused === undefined) return undefined
  const summary = refused.split('\t')[2] ?? refused
  const remote = stderr
    .split('\n')
    .filter(line => line.startsWith('remote:'))
    .map(line => line.slice('remote:'.length).trim())
    .filter(line => line !== '')
  return [summary, ...remote].join('\n')
}

const PUSH_TRIES = 3
const PUSH_DELAY_MS = 1000

/** Keeps what there is, uncommitted changes included, apart from the branch. Undefined: there is nothing to keep. */
export const saveWork = async (
  context: GitContext,
  baseCommit: string,
  message = WORK_IN_PROGRESS,
): Promise<string | undefined> => {
  await commitAll(context, message)
  const { head } = await readHead(context)
  if (head === baseCommit) return undefined
  await pushRef(context, `+${head}:${WORK_REF}`)
  return head
}

/** Never forced: only what continues the branch is accepted. */
export const push = (context: GitContext, head: string, branch: string): Promise<void> =>
  pushRef(context, `${head}:refs/heads/${branch}`)

/** A push that broke on the way is tried again. */
const pushRef = async (context: GitContext, refspec: string): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    const end = await git(context, ['push', '--porcelain', '--no-verify', '--', context.url, refspec])
    if (end.exitCode === 0) return
    const rejection = rejectionText(end.stdout, end.stderr)
    if (rejection !== undefined) throw new RunError('push_rejected', `The push was refused: ${rejection}`)
    if (tries >= PUSH_TRIES) throw new RunError('git_unreachable', describe('Pushing', end))
    await sleep(PUSH_DELAY_MS * tries, undefined, { signal: context.signal })
  }
}

// Brings an upstream's branches and tags into a bare repository, and makes such repositories.
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isValidBranchName } from '@flowforge/protocol'
import { branchRef } from './refname.ts'
import { gitText, runGit } from './run.ts'
import { despiteStaleLocks, removeAbandonedObjects } from './stale-files.ts'
import type { UpstreamSession } from './upstream.ts'

export interface FetchOptions {
  signal?: AbortSignal
  /** Git's own words about the transfer: "Receiving objects:  45% (…)". */
  onProgress?: (line: string) => void
  timeoutMs: number
  stallMs: number
}

/** Makes an empty bare repository, complete or not at all. */
export async function createRepository(path: string, defaultBranch: string): Promise<void> {
  await buildAside(path, temporary => initialise(temporary, defaultBranch))
}

/** Clones into `path`, complete or not at all: what a killed clone leaves is beside it, and goes with the next try. */
export async function cloneUpstream(
  path: string,
  session: UpstreamSession,
  options: FetchOptions,
): Promise<void> {
  await buildAside(path, async temporary => {
    await initialise(temporary, 'main')
    await fetchUpstream(temporary, session, options)
  })
}

/** Makes the branches and tags of `repository` those of the upstream; refs/flowforge is left alone. */
export async function fetchUpstream(
  repository: string,
  session: UpstreamSession,
  options: FetchOptions,
): Promise<void> {
  await removeAbandonedObjects(repository)
  // Side by side, because a fetch does not tell which branch is the default, and a round trip is dear.
  const asking = new AbortController()
  const asked = upstreamHead(
    session,
    AbortSignal.any([asking.signal, ...(options.signal ? [options.signal] : [])]),
  )
  try {
    await despiteStaleLocks(repository, () => fetchRefs(repository, session, options))
  } catch (error) {
    asking.abort()
    throw error
  } finally {
    await asked
  }
  const head = await asked
  if (head !== null) await setDefaultBranch(repository, head)
}

async function setDefaultBranch(repository: string, branch: string): Promise<void> {
  const head = await readFile(join(repository, 'HEAD'), 'utf8')
  if (head === `ref: ${branchRef(branch)}\n`) return
  await despiteStaleLocks(repository, () =>
    runGit(['symbolic-ref', 'HEAD', branchRef(branch)], { repository }),
  )
}

async function fetchRefs(repository: string, session: UpstreamSession, options: FetchOptions): Promise<void> {
  const quiet = [
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--no-recurse-submodules',
    '--no-show-forced-updates',
  ]
  const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
  await runGit(['fetch', '--progress', '--prune', '--no-tags', ...quiet, '--', session.url, ...refs], {
    ...session.options,
    ...options,
    repository,
  })
}

/** The upstream's default branch; null when it has none, or when asking failed, which the fetch beside it will report. */
async function upstreamHead(session: UpstreamSession, signal: AbortSignal): Promise<string | null> {
  const args = ['ls-remote', '--symref', '--', session.url, 'HEAD']
  const answer = await gitText(args, { ...session.options, signal }).catch(() => '')
  const branch = /^ref: refs\/heads\/(.+)\tHEAD$/m.exec(answer)?.[1]
  return branch !== undefined && isValidBranchName(branch) ? branch : null
}

async function initialise(path: string, defaultBranch: string): Promise<void> {
  await runGit(['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`, '--', path])
}

const ASIDE = '.new-'

async function buildAside(path: string, build: (temporary: string) => Promise<void>): Promise<void> {
  const directory = dirname(path)
  const prefix = `${basename(path)}${ASIDE}`
  await mkdir(directory, { recursive: true })
  // The caller holds the repository's lock: whatever is here was left by a process that died.
  for (const name of await readdir(directory)) {
    if (name.startsWith(prefix)) await rm(join(directory, name), { recursive: true, force: true })
  }
  const temporary = join(directory, `${prefix}${crypto.randomUUID()}`)
  try {
    await build(temporary)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
}

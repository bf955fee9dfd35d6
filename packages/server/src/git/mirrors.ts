// FlowForge's bare copies of repositories, by repository id. For one with an upstream the mirror is a cache that `update` renews;
// a hosted one is the data itself. Knows nothing of jobs but their id, and nothing of containers.

import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isValidBranchName } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import type { Lookup } from './address.ts'
import { refsToKeep } from './bundles.ts'
import { cloneUpstream, createRepository, fetchUpstream } from './fetching.ts'
import { createFlights } from './flights.ts'
import { withLock } from './lock.ts'
import { moveBranch, type Publication, type Published, pushUpstream } from './publishing.ts'
import {
  type Commit,
  checkedCommit,
  type Diff,
  diff,
  listBranches,
  log,
  readRef,
  resolveBranch,
} from './reading.ts'
import { attemptRef, branchRef, jobBaseRef, jobHeadRef, rescueRef, workRef } from './refname.ts'
import { gitText, runGit } from './run.ts'
import { despiteStaleLocks } from './stale-files.ts'
import { createUpstreams, type GitCredential } from './upstream.ts'

export interface MirroredRepository {
  id: string
  /** null: hosted, without upstream. */
  url: string | null
  credential: GitCredential | null
}

export interface MirrorsOptions {
  /** Everything is kept below it: mirrors, locks, known_hosts. */
  directory: string
  trustedHosts: readonly string[]
  /** PEM file of certificate authorities, for hosts of a company's own. */
  caFile?: string
  /** Longest clone or fetch. */
  timeoutMs?: number
  /** A host that says nothing for so long in the middle of one is given up. */
  stallMs?: number
  lookup?: Lookup
}

export interface UpdateOptions {
  /** A copy that was fetched no longer ago is good enough. 0 = ask the upstream. */
  maxAgeMs?: number
  signal?: AbortSignal
  onProgress?: (line: string) => void
}

interface Freshness {
  url: string
  fetchedAt: number
}

const DEFAULT_TIMEOUT_MS = 60 * 60_000
const STALL_MS = 2 * 60_000
const MAINTENANCE_TIMEOUT_MS = 60 * 60_000
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

export function createMirrors({
  directory: place,
  trustedHosts,
  caFile,
  lookup,
  timeoutMs = DEFAULT_TIMEOUT_MS,
  stallMs = STALL_MS,
}: MirrorsOptions) {
  // Git runs elsewhere than this process: every path has to be absolute.
  const directory = resolve(place)
  const upstreams = createUpstreams({ directory, trustedHosts, caFile, lookup })
  const flights = createFlights()

  const pathOf = (repositoryId: string): string => join(directory, `${checkedId(repositoryId)}.git`)
  const freshnessFile = (repositoryId: string): string => join(pathOf(repositoryId), 'flowforge-fetched.json')

  async function locked<T>(
    repositoryId: string,
    signal: AbortSignal | undefined,
    act: () => Promise<T>,
  ): Promise<T> {
    const locks = join(directory, 'locks')
    await mkdir(locks, { recursive: true })
    return withLock(join(locks, checkedId(repositoryId)), signal, act)
  }

  async function createHosted(
    repositoryId: string,
    { defaultBranch }: { defaultBranch: string },
  ): Promise<void> {
    if (!isValidBranchName(defaultBranch)) throw new FlowForgeError('branch_name_invalid')
    await locked(repositoryId, undefined, async () => {
      if (!(await exists(pathOf(repositoryId)))) await createRepository(pathOf(repositoryId), defaultBranch)
    })
  }

  async function update(repository: MirroredRepository, options: UpdateOptions = {}): Promise<void> {
    const { id, url } = repository
    if (url === null) return requireMirror(id)
    const notBefore = Date.now() - (options.maxAgeMs ?? 0)
    if (await isFresh(id, url, notBefore)) return
    const { signal, onProgress } = options
    await flights.share(id, { notBefore, signal, onProgress }, (flightSignal, progress) => {
      const startedAt = Date.now()
      return locked(id, flightSignal, () => renew({ ...repository, url }, startedAt, flightSignal, progress))
    })
  }

  /** Under the lock: another process may have done it while we waited. */
  async function renew(
    repository: MirroredRepository & { url: string },
    notBefore: number,
    signal: AbortSignal,
    onProgress: (line: string) => void,
  ): Promise<void> {
    const { id, url } = repository
    if (await isFresh(id, url, notBefore)) return
    const path = pathOf(id)
    const fetchedAt = Date.now()
    const options = { signal, onProgress, timeoutMs, stallMs }
    await upstreams.withUpstream({ url, credential: repository.credential }, async session =>
      (await exists(path)) ? fetchUpstream(path, session, options) : cloneUpstream(path, session, options),
    )
    await writeFreshness(id, { url, fetchedAt })
  }

  async function isFresh(repositoryId: string, url: string, notBefore: number): Promise<boolean> {
    const known = await readFile(freshnessFile(repositoryId), 'utf8').then(parseFreshness, () => null)
    return known !== null && known.url === url && known.fetchedAt >= notBefore
  }

  async function writeFreshness(repositoryId: string, freshness: Freshness): Promise<void> {
    const file = freshnessFile(repositoryId)
    await writeFile(`${file}.new`, JSON.stringify(freshness))
    await rename(`${file}.new`, file)
  }

  async function requireMirror(repositoryId: string): Promise<void> {
    if (await exists(pathOf(repositoryId))) return
    throw new FlowForgeError('repository_not_found', 'The data of this repository is not on this machine.')
  }

  /** Puts the commit on a branch of the upstream, or of the hosted repository. Safe to repeat: the second time it is `already`. */
  async function publish({
    repository,
    signal,
    ...publication
  }: Publication & { repository: MirroredRepository; signal?: AbortSignal }): Promise<Published> {
    if (!isValidBranchName(publication.branch)) throw new FlowForgeError('branch_name_invalid')
    const path = pathOf(repository.id)
    const { url, credential } = repository
    if (url === null) return moveBranch(path, publication)
    const published = await upstreams.withUpstream({ url, credential }, session =>
      pushUpstream(path, session, publication, signal),
    )
    // What the next fetch would bring anyway; people see it at once.
    await runGit(['update-ref', branchRef(publication.branch), publication.commit], {
      repository: path,
    }).catch(() => {})
    return published
  }

  /** Keeps a commit that is here under a ref of the job; false when it is not here. */
  async function keep(
    repositoryId: string,
    { jobId, as, commit }: { jobId: string; as: 'base' | 'head'; commit: string },
  ): Promise<boolean> {
    const repository = pathOf(repositoryId)
    if ((await readRef(repository, checkedCommit(commit))) === null) return false
    const ref = as === 'base' ? jobBaseRef(checkedId(jobId)) : jobHeadRef(checkedId(jobId))
    await despiteStaleLocks(repository, () =>
      runGit(['update-ref', '--no-deref', ref, commit], { repository }),
    )
    return true
  }

  /** Where the job's pushed result is; null when nothing was pushed. */
  const jobHead = (repositoryId: string, jobId: string): Promise<string | null> =>
    readRef(pathOf(repositoryId), jobHeadRef(checkedId(jobId)))

  /** What one attempt of the job has pushed. */
  const attemptHead = (repositoryId: string, jobId: string, attemptNumber: number): Promise<string | null> =>
    readRef(pathOf(repositoryId), attemptRef(checkedId(jobId), attemptNumber))

  /** What one attempt of the job left for the next: kept when it parked, saved when it broke off, or pushed. */
  async function keptWork(
    repositoryId: string,
    jobId: string,
    attemptNumber: number,
  ): Promise<{ commit: string; ref: string } | null> {
    checkedId(jobId)
    for (const refOf of [workRef, rescueRef, attemptRef]) {
      const ref = refOf(jobId, attemptNumber)
      const commit = await readRef(pathOf(repositoryId), ref)
      if (commit !== null) return { commit, ref }
    }
    return null
  }

  async function remove(repositoryId: string): Promise<void> {
    flights.abort(repositoryId, new FlowForgeError('repository_not_found', 'The repository was removed.'))
    await locked(repositoryId, undefined, async () => {
      const doomed = `${pathOf(repositoryId)}.removed-${crypto.randomUUID()}`
      await rename(pathOf(repositoryId), doomed).catch(ignoreMissing)
      await rm(doomed, { recursive: true, force: true })
      await rm(join(directory, 'locks', repositoryId), { force: true })
    })
  }

  /** Of a mirror whose upstream has all of it. False: some results are nowhere else, or there is no mirror. */
  async function removeCopy(repositoryId: string, isUnused: () => Promise<boolean>): Promise<boolean> {
    return locked(repositoryId, undefined, async () => {
      // Asked under the lock: whoever begins to use it afterwards waits for the lock, and fetches it anew.
      if (!(await exists(pathOf(repositoryId))) || !(await isUnused())) return false
      if ((await refsToKeep(pathOf(repositoryId), false)).refs.length > 0) return false
      const doomed = `${pathOf(repositoryId)}.removed-${crypto.randomUUID()}`
      await rename(pathOf(repositoryId), doomed)
      await rm(doomed, { recursive: true, force: true })
      return true
    })
  }

  async function sizeBytes(repositoryId: string): Promise<number> {
    const text = await gitText(['count-objects', '-v'], { repository: pathOf(repositoryId) })
    const kilobytes = [...text.matchAll(/^size(?:-pack|-garbage)?: (\d+)$/gm)].map(match => Number(match[1]))
    return 1024 * kilobytes.reduce((sum, size) => sum + size, 0)
  }

  /** Repacks and removes what nothing refers to for two weeks, when there is enough of it to be worth the work. */
  async function maintain(repositoryId: string, signal?: AbortSignal): Promise<void> {
    const repository = pathOf(repositoryId)
    const settings = [
      ['gc.auto', '2000'],
      ['gc.autoPackLimit', '30'],
      ['gc.autoDetach', 'false'],
      ['gc.cruftPacks', 'true'],
      ['pack.threads', '1'],
    ] as const
    await locked(repositoryId, signal, () =>
      runGit(['gc', '--auto', '--quiet'], {
        repository,
        settings,
        timeoutMs: MAINTENANCE_TIMEOUT_MS,
        ...(signal ? { signal } : {}),
      }),
    )
  }

  return {
    pathOf,
    exists: (repositoryId: string): Promise<boolean> => exists(pathOf(repositoryId)),
    createHosted,
    update,
    publish,
    keep,
    jobHead,
    attemptHead,
    keptWork,
    remove,
    removeCopy,
    sizeBytes,
    maintain,
    resolveBranch: (repositoryId: string, name: string | null) => resolveBranch(pathOf(repositoryId), name),
    listBranches: (repositoryId: string) => listBranches(pathOf(repositoryId)),
    diff: (repositoryId: string, base: string, head: string, options: { maxBytes: number }): Promise<Diff> =>
      diff(pathOf(repositoryId), base, head, options),
    log: (repositoryId: string, base: string, head: string, options: { limit: number }): Promise<Commit[]> =>
      log(pathOf(repositoryId), base, head, options),
  }
}
export type Mirrors = ReturnType<typeof createMirrors>

/** A power cut can leave the file empty: then the mirror counts as old. */
function parseFreshness(text: string): Freshness | null {
  try {
    return JSON.parse(text) as Freshness
  } catch {
    return null
  }
}

function checkedId(id: string): string {
  if (!ID.test(id)) throw new Error(`not an id: ${JSON.stringify(id.slice(0, 80))}`)
  return id
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

// Repositories as streams, for backup and restore: a Git bundle with every ref that is data, none of what can be fetched again.
import { rm } from 'node:fs/promises'
import { jobRefPattern } from './refname.ts'
import { GitExit, gitText, killGit, runGit, spawnGit } from './run.ts'

export interface BundleContent {
  /** What HEAD points at, such as `refs/heads/main`. */
  head: string
  refs: string[]
}

const TIMEOUT_MS = 6 * 60 * 60_000

/**
 * The refs to keep. Of a hosted repository: all, it is the data itself. Of a mirror: results that are not on any branch of
 * the upstream; everything else the upstream still has.
 */
export async function refsToKeep(repository: string, hosted: boolean): Promise<BundleContent> {
  const head = await gitText(['symbolic-ref', 'HEAD'], { repository })
  if (hosted) return { head, refs: (await listRefs(repository, [])).map(({ ref }) => ref) }
  const results = await listRefs(repository, ['refs/flowforge'])
  if (results.length === 0) return { head, refs: [] }
  const { stdout } = await runGit(['rev-list', '--glob=refs/flowforge/*', '--not', '--branches', '--tags'], {
    repository,
    maxOutputBytes: 1024 ** 3,
    timeoutMs: TIMEOUT_MS,
  })
  const unpublished = new Set(stdout.toString().split('\n'))
  return { head, refs: results.filter(({ commit }) => unpublished.has(commit)).map(({ ref }) => ref) }
}

/** Whole by itself: it can be unpacked where there is no upstream any more. */
export async function* writeBundle(
  repository: string,
  refs: string[],
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const args = ['bundle', 'create', '--quiet', '-', '--ignore-missing', '--stdin']
  const child = spawnGit(args, { repository, settings: [['pack.threads', '1']] })
  const stop = () => killGit(child)
  signal?.addEventListener('abort', stop, { once: true })
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  exited.catch(() => {})
  let stderr = ''
  child.stderr.on('data', piece => {
    stderr = (stderr + piece).slice(-4_000)
  })
  child.stdin.end(`${refs.join('\n')}\n`)
  try {
    yield* child.stdout as AsyncIterable<Buffer>
    const exitCode = await exited
    signal?.throwIfAborted()
    if (exitCode !== 0) throw new GitExit('bundle', 'exit', { exitCode, stdout: '', stderr })
  } finally {
    signal?.removeEventListener('abort', stop)
    if (child.exitCode === null) stop()
  }
}

/** Makes the repository's refs those of the bundle, and removes the file. The repository is new and empty. */
export async function unpackBundle(repository: string, file: string, head: string): Promise<void> {
  const listed = await gitText(['bundle', 'unbundle', file], { repository, timeoutMs: TIMEOUT_MS })
  await rm(file)
  const updates = listed
    .split('\n')
    .map(line => line.split(' ', 2))
    .filter(([, ref]) => ref?.startsWith('refs/'))
    .map(([commit, ref]) => `create ${ref} ${commit}\n`)
  await runGit(['update-ref', '--stdin'], { repository, stdin: updates.join('') })
  await runGit(['symbolic-ref', 'HEAD', head], { repository })
}

export interface KnownJob {
  id: string
  /** The newest attempt that the rows know. */
  attempt: number
  branch: string
  finished: boolean
}

/**
 * Refs were read after the rows: what jobs pushed in between belongs to attempts that these rows do not know. They would
 * stand in the way when the job is tried again under the same number and to the same branch.
 */
export async function dropLaterResults(repository: string, jobs: KnownJob[]): Promise<void> {
  const known = new Map(jobs.map(job => [job.id, job]))
  const refs = await listRefs(repository, [])
  const results = refs.flatMap(({ ref, commit }) => {
    const [, jobId, name] = jobRefPattern.exec(ref) ?? []
    return jobId === undefined || name === undefined ? [] : [{ ref, commit, job: known.get(jobId), name }]
  })
  const doomed = results
    .filter(({ job, name }) => !job || Number(/^attempt-(\d+)$/.exec(name)?.[1] ?? 0) > job.attempt)
    .map(({ ref }) => ref)
  for (const job of jobs.filter(({ finished }) => !finished)) {
    const own = new Set(
      results.filter(result => result.job === job && result.name !== 'base').map(({ commit }) => commit),
    )
    const branch = refs.find(({ ref, commit }) => ref === `refs/heads/${job.branch}` && own.has(commit))
    if (branch) doomed.push(branch.ref)
  }
  if (doomed.length > 0)
    await runGit(['update-ref', '--stdin'], {
      repository,
      stdin: doomed.map(ref => `delete ${ref}\n`).join(''),
    })
}

async function listRefs(repository: string, patterns: string[]): Promise<{ ref: string; commit: string }[]> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', ...patterns]
  const { stdout } = await runGit(args, { repository, maxOutputBytes: 256 * 1024 ** 2 })
  return stdout
    .toString()
    .split('\n')
    .filter(Boolean)
    .map(line => ({ commit: line.slice(0, line.indexOf(' ')), ref: line.slice(line.indexOf(' ') + 1) }))
}

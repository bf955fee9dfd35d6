// The repository as a running attempt needs it: the mirror, with the credential opened only for the call that uses it.
import { FlowForgeError } from '../errors.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { Repositories } from '../jobs/ports.ts'
import type { Sealing } from '../secrets/sealing.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import { openCredential } from './credentials.ts'
import type { RepositoryFiles } from './ports.ts'

/** The figures stand in the first line; the text behind it is not wanted here. */
const STAT_LINE_BYTES = 1024

export interface WorkerRepositoriesOptions {
  mirrors: Mirrors
  sealing: Sealing
  /** Forgets the quarantine of an attempt. */
  release(attemptId: string): Promise<void>
}

export function createWorkerRepositories({
  mirrors,
  sealing,
  release,
}: WorkerRepositoriesOptions): Repositories {
  const mirrored = (repository: RepositoryRow) => ({
    id: repository.id,
    url: repository.url,
    credential: openCredential(sealing, repository),
  })
  return {
    update: (repository, signal) => mirrors.update(mirrored(repository), { signal }),
    resolveBranch: (repository, branch) => mirrors.resolveBranch(repository.id, branch),
    stat: async (repository, base, head) => {
      const { filesChanged, insertions, deletions } = await mirrors.diff(repository.id, base, head, {
        maxBytes: STAT_LINE_BYTES,
      })
      return { filesChanged, insertions, deletions }
    },
    publish: async (repository, { branch, commit, expected }, signal) => {
      await mirrors.publish({ repository: mirrored(repository), branch, commit, expected, signal })
    },
    keptWork: (repository, jobId, attemptNumber) => mirrors.keptWork(repository.id, jobId, attemptNumber),
    keep: (repository, jobId, as, commit) => mirrors.keep(repository.id, { jobId, as, commit }),
    pushedBy: (repository, jobId, attemptNumber) => mirrors.attemptHead(repository.id, jobId, attemptNumber),
    release,
  }
}

export const createRepositoryFiles = (mirrors: Mirrors): RepositoryFiles => ({
  createHosted: (id, defaultBranch) => mirrors.createHosted(id, { defaultBranch }),
  remove: id => mirrors.remove(id),
  mirrorBytes: async id => ((await mirrors.exists(id)) ? mirrors.sizeBytes(id) : 0),
  diff: async (id, base, head, options) => {
    if (!(await mirrors.exists(id)))
      throw new FlowForgeError(
        'not_found',
        'The copy of this repository was removed, since nobody used it for long. Its next job brings it back.',
      )

    const { text, truncated, filesChanged, insertions, deletions } = await mirrors.diff(
      id,
      base,
      head,
      options,
    )
    return { diff: text, truncated, stat: { filesChanged, insertions, deletions } }
  },
})

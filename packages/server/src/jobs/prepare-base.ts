// Where an attempt starts from: brings the mirror up to date and resolves the base, once. A second attempt starts from the
// same commit.
import { findJob, updateJob } from '../store/jobs.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import { asHolder } from './as-holder.ts'
import { reasonOf } from './failures.ts'
import type { Hold } from './hold.ts'
import type { Repositories } from './ports.ts'
import { cacheKey } from './result-cache.ts'
import { type PhaseContext, PhaseFailed } from './run-phase.ts'

export interface BaseContext extends Pick<PhaseContext, 'database'> {
  repositories: Repositories
}

interface Base {
  branch: string
  commit: string
}

/** Returns the base commit. */
export async function prepareBase(
  context: BaseContext,
  hold: Hold,
  repository: RepositoryRow,
): Promise<string> {
  const { job, attempt, holder, signal } = hold
  // Of an adopted attempt the mirror has all that it needs, whether or not the upstream answers now.
  if (job.base_commit && attempt.epoch > 1) return job.base_commit
  await context.repositories.update(repository, signal)
  if (job.base_commit) return job.base_commit
  const { branch, commit } = job.base_from
    ? await resultOf(context, hold, repository, job.base_from)
    : await context.repositories.resolveBranch(repository, job.base_branch)
  if (branch === job.branch)
    throw new PhaseFailed(reasonOf('base_not_found', `The job's own branch ${branch} can not be its base.`))
  const change = { base_branch: branch, base_commit: commit, cache_key: cacheKey(job, repository, commit) }
  await asHolder(context.database, job.id, holder, tx => updateJob(tx, job.id, change))
  Object.assign(job, { base_branch: branch, cache_key: change.cache_key })
  return commit
}

/**
 * What another job has made; where it changed nothing, what it started from. Kept under a ref of this job, so that its
 * containers can fetch it, whatever became of the other one's branch.
 */
async function resultOf(
  { database, repositories }: BaseContext,
  { job }: Hold,
  repository: RepositoryRow,
  otherId: string,
): Promise<Base> {
  const other = await database.inOrganization(job.organization_id, tx =>
    findJob(tx, job.organization_id, otherId),
  )
  if (!other?.base_commit || !other.base_branch)
    throw new PhaseFailed(
      reasonOf('base_not_found', 'The job whose result this one starts from was removed.'),
    )
  const base = other.head_commit
    ? { branch: other.branch, commit: other.head_commit }
    : { branch: other.base_branch, commit: other.base_commit }
  if (!(await repositories.keep(repository, job.id, 'base', base.commit)))
    throw new PhaseFailed(
      reasonOf(
        'base_not_found',
        `The result of job #${other.number}, ${base.commit}, is not in the repository any more.`,
      ),
    )
  return base
}

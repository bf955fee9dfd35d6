// An earlier result in place of a new one: the same repository at the same commit, the same task, the same settings.
import { createHash } from 'node:crypto'
import type { Database } from '../store/database.ts'
import type { JobRow } from '../store/jobs.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import { findReusable } from '../store/result-cache.ts'
import type { Hold } from './hold.ts'
import type { Repositories } from './ports.ts'

/** Changes with what the answer of the same question depends on. */
const FORM = 1

/**
 * All that the result depends on and that FlowForge knows. Limits (time, budget, attempts) are not part of it: a job that
 * succeeded stayed within its own.
 */
export function cacheKey(
  job: Pick<
    JobRow,
    'organization_id' | 'task' | 'setup' | 'verify' | 'model' | 'environment' | 'plan_first' | 'questions'
  >,
  repository: Pick<RepositoryRow, 'id' | 'settings'>,
  baseCommit: string,
): string {
  const { image, egressAllow, approvals } = repository.settings
  const parts = [
    FORM,
    job.organization_id,
    repository.id,
    baseCommit,
    job.task,
    job.setup,
    job.verify,
    job.model,
    job.plan_first,
    job.questions,
    Object.entries(job.environment).sort(([a], [b]) => (a < b ? -1 : 1)),
    image ?? null,
    (egressAllow ?? []).toSorted(),
    (approvals ?? []).toSorted(),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** The newest earlier job whose result can be given again; null when there is none, or when its commit is gone. */
export async function findEarlierResult(
  { database, repositories }: { database: Database; repositories: Repositories },
  { job, attempt }: Hold,
  repository: RepositoryRow,
): Promise<JobRow | null> {
  // An adopted attempt has a container that works; a job that goes on in a new turn has a session of its own.
  if (!job.cache || !job.cache_key || attempt.epoch > 1 || job.turn > 1) return null
  const earlier = await database.inOrganization(job.organization_id, tx =>
    findReusable(tx, job.organization_id, job.cache_key!),
  )
  if (!earlier?.result) return null
  const isThere =
    earlier.head_commit === null || (await repositories.keep(repository, job.id, 'head', earlier.head_commit))
  return isThere ? earlier : null
}

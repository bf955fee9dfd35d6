// The job that a person means, locked for what they want of it.
import { FlowForgeError } from '../errors.ts'
import type { Transaction } from '../store/database.ts'
import { findJob, type JobRow, lockJob } from '../store/jobs.ts'

/** By id or number, within the organization; `job_not_found` otherwise. */
export async function lockNamedJob(
  tx: Transaction,
  organizationId: string,
  reference: string,
): Promise<JobRow> {
  const found = await findJob(tx, organizationId, reference)
  const job = found && (await lockJob(tx, found.id))
  if (job) return job
  throw new FlowForgeError(
    'job_not_found',
    `There is no job ${reference}. List them with: flowforge job list`,
  )
}

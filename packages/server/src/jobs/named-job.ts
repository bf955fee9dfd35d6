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
  const job = await lockJob(tx, (await requireJob(tx, organizationId, reference)).id)
  if (job) return job
  throw notFound(reference)
}

/** As it stands, not locked. */
export async function requireJob(
  tx: Transaction,
  organizationId: string,
  reference: string,
): Promise<JobRow> {
  const job = await findJob(tx, organizationId, reference)
  if (job) return job
  throw notFound(reference)
}

const notFound = (reference: string) =>
  new FlowForgeError('job_not_found', `There is no job ${reference}. List them with: flowforge job list`)

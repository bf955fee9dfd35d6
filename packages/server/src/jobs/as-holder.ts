// A write by the holder of an attempt: locks the job first, then the attempt (one order of locks everywhere), and refuses
// whoever holds it no longer.
import { FlowForgeError } from '../errors.ts'
import { type AttemptRow, type Holder, lockHeldAttempt } from '../store/attempts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type JobRow, lockJob } from '../store/jobs.ts'

/** Throws `lease_lost` when the attempt has ended or its epoch has passed. */
export const asHolder = <T>(
  database: Database,
  jobId: string,
  holder: Holder,
  write: (tx: Transaction, job: JobRow, attempt: AttemptRow) => Promise<T>,
): Promise<T> =>
  database.acrossOrganizations(async tx => {
    const job = await lockJob(tx, jobId)
    const attempt = await lockHeldAttempt(tx, holder)
    if (!job || !attempt)
      throw new FlowForgeError('lease_lost', 'This attempt has ended, or another worker holds it.')
    return write(tx, job, attempt)
  })

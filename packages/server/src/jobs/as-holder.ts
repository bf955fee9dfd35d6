// A write by the holder of an attempt: locks the job first, then the attempt (one order of locks everywhere), and refuses
// whoever holds it no longer. Writes for several attempts at the same moment share a transaction.
import { FlowForgeError } from '../errors.ts'
import { type AttemptRow, findAttempt, type Holder, lockHeldAttempt } from '../store/attempts.ts'
import type { Database, Transaction } from '../store/database.ts'
import { type JobRow, lockJob } from '../store/jobs.ts'
import { inSharedTransaction } from '../store/shared-transaction.ts'

/**
 * `write` may be run again: see inSharedTransaction.
 * Throws `lease_lost` when the attempt has ended or its epoch has passed; with `adopted` when it goes on elsewhere.
 */
export const asHolder = <T>(
  database: Database,
  jobId: string,
  holder: Holder,
  write: (tx: Transaction, job: JobRow, attempt: AttemptRow) => Promise<T>,
): Promise<T> =>
  inSharedTransaction(database, jobId, async tx => {
    const job = await lockJob(tx, jobId)
    const attempt = await lockHeldAttempt(tx, holder)
    if (!job || !attempt) {
      const adopted = (await findAttempt(tx, holder.attemptId))?.ended_at === null
      const message = adopted ? 'Another worker holds this attempt.' : 'This attempt has ended.'
      throw new FlowForgeError('lease_lost', message, { details: { adopted } })
    }
    return write(tx, job, attempt)
  })

// An act on a job whose request may be sent twice: the second time nothing is done, and the job is shown as it is now.
import type { Database, Transaction } from '../store/database.ts'
import { answerOnce, type Once } from '../store/idempotency.ts'
import type { JobRow } from '../store/jobs.ts'
import { lockNamedJob } from './named-job.ts'
import type { Submitter } from './submission.ts'

export const actOnce = (
  database: Database,
  by: Submitter,
  reference: string,
  once: Once | null,
  act: (tx: Transaction) => Promise<JobRow>,
): Promise<JobRow> =>
  database.inOrganization(by.organizationId, async tx => {
    await answerOnce(tx, by.organizationId, once, async () => {
      await act(tx)
      return { status: 200, body: null }
    })
    return lockNamedJob(tx, by.organizationId, reference)
  })

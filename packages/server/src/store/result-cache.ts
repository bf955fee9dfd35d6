// SQL of results that are used again.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import type { JobRow } from './jobs.ts'

/**
 * The newest job that succeeded with this key and in which no person had a hand: what was interrupted, or answered, is not
 * the answer to the task alone.
 */
export const findReusable = (
  tx: Transaction,
  organizationId: string,
  cacheKey: string,
): Promise<JobRow | undefined> =>
  tx.first(sql`
    select j.* from jobs j
    where j.cache_key = ${cacheKey} and j.state = 'succeeded' and j.organization_id = ${organizationId}
      and j.turn = 1 and j.messages = 0 and j.messages = 0 and j.cached_from is null
      and not exists (select from approvals a where a.job_id = j.id)
      and not exists (
        select from attempts a join runner_commands c on c.attempt_id = a.id where a.job_id = j.id)
    order by j.id desc limit 1`)

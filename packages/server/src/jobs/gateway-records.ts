// Writes what the gateway itself sees of an attempt: pushes, use of Claude, refusals. Unlike a runner's reports these are facts.
import type { NewEvent } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { lockHeldAttempt, savePushedCommit } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { lockJob } from '../store/jobs.ts'
import { insertLedgerEntry, type LedgerEntry } from '../store/ledger.ts'
import type { EventLog } from './ports.ts'

export function createGatewayRecords({ database, events }: { database: Database; events: EventLog }) {
  const subject = (attempt: GatewayAttempt) => ({
    id: attempt.jobId,
    organization_id: attempt.organizationId,
    attempt: attempt.number,
  })
  return {
    /** A push is stored: fenced by the epoch, and told once. */
    pushed: (attempt: GatewayAttempt, commit: string, epoch: number): Promise<void> =>
      database.acrossOrganizations(async tx => {
        const job = await lockJob(tx, attempt.jobId)
        const holder = { attemptId: attempt.attemptId, epoch }
        const row = await lockHeldAttempt(tx, holder)
        if (!job || !row)
          throw new FlowForgeError('lease_lost', 'This attempt has ended, or another worker holds it.')
        if (row.pushed_commit === commit) return
        await savePushedCommit(tx, holder, commit)
        await events.append(tx, job, [
          { type: 'git.pushed', data: { branch: attempt.branch, commit, upstream: false } },
        ])
      }),

    /** What was used was used: counted also when the lease is gone. */
    used: (
      attempt: GatewayAttempt,
      use: Omit<LedgerEntry, 'organizationId' | 'jobId' | 'attemptId'>,
    ): Promise<void> =>
      database.acrossOrganizations(async tx => {
        await insertLedgerEntry(tx, {
          ...use,
          organizationId: attempt.organizationId,
          jobId: attempt.jobId,
          attemptId: attempt.attemptId,
        })
        const { model, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd } = use
        await events.append(tx, subject(attempt), [
          {
            type: 'claude.usage',
            data: { model, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd },
          },
        ])
      }),

    say: async (attempt: GatewayAttempt, event: NewEvent): Promise<void> => {
      await database.acrossOrganizations(tx => events.append(tx, subject(attempt), [event]))
    },
  }
}

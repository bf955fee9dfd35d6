// Writes what the gateway itself sees of an attempt: pushes, use of Claude, refusals. Unlike a runner's reports these are facts.
import type { NewEvent } from '@flowforge/protocol'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { savePushedCommit } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { insertLedgerEntry, type LedgerEntry } from '../store/ledger.ts'
import { asHolder } from './as-holder.ts'
import type { EventLog } from './ports.ts'

export function createGatewayRecords({ database, events }: { database: Database; events: EventLog }) {
  const subject = (attempt: GatewayAttempt) => ({
    id: attempt.jobId,
    organization_id: attempt.organizationId,
    attempt: attempt.number,
  })
  return {
    /** A push is stored: fenced by the epoch, and told once. */
    pushed: (attempt: GatewayAttempt, commit: string, epoch: number): Promise<void> => {
      const holder = { attemptId: attempt.attemptId, epoch }
      return asHolder(database, attempt.jobId, holder, async (tx, job, row) => {
        if (row.pushed_commit === commit) return
        await savePushedCommit(tx, holder, commit)
        await events.append(tx, job, [
          { type: 'git.pushed', data: { branch: attempt.branch, commit, upstream: false } },
        ])
      })
    },

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

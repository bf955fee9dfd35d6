// Writes what the gateway itself sees of an attempt: pushes, use of Claude, refusals. Unlike a runner's reports these are facts.
import type { NewEvent } from '@flowforge/protocol'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { savePushedCommit, saveRescuedCommit, saveWorkCommit } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { findSpending, insertLedgerEntry, type LedgerEntry } from '../store/ledger.ts'
import { asHolder } from './as-holder.ts'
import type { EventLog } from './ports.ts'

export type BudgetVerdict = { allowed: true } | { allowed: false; message: string }

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

    /** Unfinished work is stored. */
    keptWork: (attempt: GatewayAttempt, commit: string, epoch: number): Promise<void> => {
      const holder = { attemptId: attempt.attemptId, epoch }
      return asHolder(database, attempt.jobId, holder, async (tx, job, row) => {
        if (row.work_commit === commit) return
        await saveWorkCommit(tx, holder, commit)
        await events.append(tx, job, [{ type: 'git.work.saved', data: { commit } }])
      })
    },

    /** Work was saved of an attempt that broke off: told once, also when the attempt has ended meanwhile. */
    rescued: (attempt: GatewayAttempt, commit: string, ref: string): Promise<void> =>
      database.acrossOrganizations(async tx => {
        if ((await saveRescuedCommit(tx, attempt.attemptId, commit)) === 0) return
        await events.append(tx, subject(attempt), [
          { type: 'git.rescued', data: { attempt: attempt.number, commit, ref } },
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

    /** Asked before each request to Claude: what was spent counts over all attempts of the job. */
    checkBudget: (attempt: GatewayAttempt): Promise<BudgetVerdict> =>
      database.acrossOrganizations(async tx => {
        const spent = await findSpending(tx, attempt.jobId)
        if (!spent || spent.budget_usd === null || spent.cost_usd < spent.budget_usd) return { allowed: true }
        const spentUsd = spent.cost_usd
        const limitUsd = spent.budget_usd
        await events.append(tx, subject(attempt), [{ type: 'budget.exceeded', data: { spentUsd, limitUsd } }])
        return {
          allowed: false,
          message: `The job has spent $${spentUsd.toFixed(2)} of its budget of $${limitUsd.toFixed(2)}.`,
        }
      }),

    say: async (attempt: GatewayAttempt, event: NewEvent): Promise<void> => {
      await database.acrossOrganizations(tx => events.append(tx, subject(attempt), [event]))
    },
  }
}

// SQL of the ledger: one row per request to Claude, and the job's totals kept beside it in the same transaction.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface LedgerEntry {
  id: string
  organizationId: string
  jobId: string
  attemptId: string
  model: string
  status: number
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  costUsd: number
  scripted: boolean
  durationMs: number
  firstByteMs: number | null
  upstreamRequestId: string | null
}

export const insertLedgerEntry = (tx: Transaction, entry: LedgerEntry): Promise<number> =>
  tx.run(sql`
    with entry as (
      insert into claude_requests (id, organization_id, job_id, attempt_id, model, status, input_tokens, output_tokens,
        cache_read_tokens, cache_write_tokens, cost_usd, scripted, duration_ms, first_byte_ms, upstream_request_id)
      values (${entry.id}, ${entry.organizationId}, ${entry.jobId}, ${entry.attemptId}, ${entry.model}, ${entry.status},
        ${entry.inputTokens}, ${entry.outputTokens}, ${entry.cacheReadTokens}, ${entry.cacheWriteTokens}, ${entry.costUsd},
        ${entry.scripted}, ${entry.durationMs}, ${entry.firstByteMs}, ${entry.upstreamRequestId})
    )
    update jobs set
      cost_usd = cost_usd + ${entry.costUsd},
      input_tokens = input_tokens + ${entry.inputTokens},
      output_tokens = output_tokens + ${entry.outputTokens},
      cache_read_tokens = cache_read_tokens + ${entry.cacheReadTokens},
      cache_write_tokens = cache_write_tokens + ${entry.cacheWriteTokens},
      scripted_model = scripted_model or ${entry.scripted}
    where id = ${entry.jobId}`)

export const findSpending = (
  tx: Transaction,
  jobId: string,
): Promise<{ cost_usd: number; budget_usd: number | null } | undefined> =>
  tx.first(sql`select cost_usd, budget_usd from jobs where id = ${jobId}`)

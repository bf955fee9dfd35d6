// How long things are kept. What nobody has said is kept for ever: nothing that people made goes unless somebody asked.
import type { Transaction } from '../store/database.ts'
import { findRetention } from '../store/retention.ts'

/** In days, after a job's end; of mirrors: after their last use. null: for ever. */
export interface KeepDays {
  /** Everything of a job: its row, story, artifacts, saved session. The ledger stays. */
  jobs: number | null
  /** The story alone: the job stays, with its outcome. */
  events: number | null
  artifacts: number | null
  /** Copies of repositories that have an upstream, where every result is there as well. Never hosted ones. */
  mirrors: number | null
}

export interface Retention {
  keepDays: KeepDays
  /** Whether the organization has settings of its own. */
  own: boolean
}

export const KINDS = ['jobs', 'events', 'artifacts', 'mirrors'] as const
export type Kind = (typeof KINDS)[number]

export async function retentionOf(
  tx: Transaction,
  organizationId: string,
  installation: KeepDays,
): Promise<Retention> {
  const row = await findRetention(tx, organizationId)
  if (!row) return { keepDays: installation, own: false }
  return {
    keepDays: {
      jobs: row.jobs_days,
      events: row.events_days,
      artifacts: row.artifacts_days,
      mirrors: row.mirrors_days,
    },
    own: true,
  }
}

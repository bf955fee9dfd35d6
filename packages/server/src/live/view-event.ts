// A stored event as everybody outside sees it.
import type { JobEvent } from '@flowforge/protocol'
import type { EventRow } from '../store/events.ts'

export const viewEvent = (row: EventRow): JobEvent =>
  ({
    seq: row.seq,
    jobId: row.job_id,
    attempt: row.attempt,
    type: row.type,
    at: row.at.toISOString(),
    data: row.data,
  }) as JobEvent

// How long a job took or has been running. Pure.
import type { Job } from '../api/types.ts'

export const isOver = (job: Pick<Job, 'state'>): boolean =>
  job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled'

/** Milliseconds from its start to its end, undefined while it runs or if it never started. */
export function ranForMs(job: Job): number | undefined {
  if (!job.startedAt || !job.finishedAt) return undefined
  return Date.parse(job.finishedAt) - Date.parse(job.startedAt)
}

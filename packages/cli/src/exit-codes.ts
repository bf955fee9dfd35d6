// What the process ends with. Scripts rely on these numbers; they change only with a reason in the changelog.
import type { Job } from '@flowforge/sdk'

export const EXIT = {
  success: 0,
  /** Also: the followed job failed. */
  failure: 1,
  cancelled: 2,
  /** Not signed in, or not allowed. */
  notAllowed: 4,
  usage: 64,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The code of a job that was followed to its end. */
export function exitCodeOf(job: Pick<Job, 'state'>): ExitCode {
  if (job.state === 'failed') return EXIT.failure
  if (job.state === 'cancelled') return EXIT.cancelled
  return EXIT.success
}

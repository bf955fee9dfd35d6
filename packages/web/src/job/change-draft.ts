// What a person has typed to change a job, and what of it is a change. Pure.
import type { Job, JobChange, Priority } from '../api/types.ts'
import { instantOf, localInput } from '../text/moments.ts'

export interface ChangeDraft {
  budgetUsd: string
  priority: Priority
  /** As the field gives it: without a zone. */
  runAt: string
}

export const changeDraftOf = (job: Job): ChangeDraft => ({
  budgetUsd: job.budgetUsd === null ? '' : String(job.budgetUsd),
  priority: job.priority,
  runAt: job.state === 'pending' && job.runAt ? localInput(job.runAt) : '',
})

export const changeErrors = ({ budgetUsd }: ChangeDraft): Record<string, string> =>
  budgetUsd.trim() !== '' && !(Number(budgetUsd) > 0)
    ? { budgetUsd: 'Give an amount in US dollars above 0, or nothing.' }
    : {}

/** Only what differs: a running job has no priority to change, and must not be asked to. */
export function changeRequest(draft: ChangeDraft, job: Job): JobChange {
  const before = changeDraftOf(job)
  return {
    ...(draft.budgetUsd.trim() === before.budgetUsd
      ? {}
      : { budgetUsd: draft.budgetUsd.trim() === '' ? null : Number(draft.budgetUsd) }),
    ...(draft.priority === before.priority ? {} : { priority: draft.priority }),
    ...(draft.runAt === before.runAt ? {} : { runAt: instantOf(draft.runAt) ?? null }),
  }
}

// Ends jobs that nobody answered: what waits for ever keeps its branch, and the disk, for ever.
import { endAttempt, findLiveAttempt } from '../store/attempts.ts'
import { closeApprovals } from '../store/conversations.ts'
import { lockOverdueWaits } from '../store/jobs.ts'
import { reasonOf } from './failures.ts'
import { applyOutcome, type SettleContext } from './settle.ts'

const BATCH = 50

/** Returns how many jobs were ended. A container that still waits is removed by its worker, which finds its lease gone. */
export const failOverdueWaits = (context: SettleContext, limitHours: number): Promise<number> =>
  context.database.acrossOrganizations(async tx => {
    const overdue = await lockOverdueWaits(tx, limitHours * 3600, BATCH)
    for (const job of overdue) {
      const live = await findLiveAttempt(tx, job.id)
      const reason = reasonOf(
        'timeout',
        `Nobody answered within ${limitHours} hours: the job waited for ${waitedFor(job.waiting_for)}. A reply takes it up again.`,
      )
      await closeApprovals(tx, job.id)
      if (live) await endAttempt(tx, { attemptId: live.id, epoch: live.epoch }, 'failed', reason.code)
      await applyOutcome(tx, context, job, { kind: 'failed', reason })
    }
    return overdue.length
  })

const waitedFor = (what: string | null): string => {
  switch (what) {
    case 'plan':
      return 'the approval of its plan'
    case 'budget':
      return 'a higher budget'
    case 'reply':
      return 'a reply'
    default:
      return 'an answer to its question'
  }
}

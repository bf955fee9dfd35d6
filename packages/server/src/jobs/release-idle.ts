// Releases containers that only wait for a person: after their time, and earlier when there are too many. The runner is
// told to save conversation and work and to end; until it has, nothing is taken away from it.
import { addCommand, findLiveAttempt, type Holder } from '../store/attempts.ts'
import { listPendingApprovals } from '../store/conversations.ts'
import type { Database } from '../store/database.ts'
import { asHolder } from './as-holder.ts'
import type { AttemptSignal } from './ports.ts'

export interface Waiting {
  attemptId: string
  waitingSince: number
}

/** The oldest go first: of more than `keep`, and of those that wait for longer than `waitMs`. */
export function idleToRelease(
  waiting: Waiting[],
  { keep, waitMs, now }: { keep: number; waitMs: number; now: number },
): string[] {
  const oldestFirst = waiting.toSorted((a, b) => a.waitingSince - b.waitingSince)
  const tooMany = oldestFirst.slice(0, Math.max(0, waiting.length - keep))
  return oldestFirst
    .filter(one => tooMany.includes(one) || now - one.waitingSince >= waitMs)
    .map(({ attemptId }) => attemptId)
}

/** Told once for what it asks now; nothing is told to one that waits no longer. */
export const tellToPark = (
  context: { database: Database; signal: AttemptSignal },
  jobId: string,
  holder: Holder,
): Promise<void> =>
  asHolder(context.database, jobId, holder, async (tx, job) => {
    const [asked] = job.state === 'waiting' ? await listPendingApprovals(tx, job.id) : []
    const live = asked && (await findLiveAttempt(tx, job.id))
    if (!live || live.reports.agent) return
    if (await addCommand(tx, live, { type: 'park', requestId: asked.request_id }))
      await context.signal.send(tx, live.id)
  })

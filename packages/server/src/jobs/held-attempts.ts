// The attempts in the hands of one worker: drives each, renews their leases, tells them to stop, and lets go of them.
import type { Logger } from 'pino'
import { findAttemptCancel } from '../store/attempts.ts'
import { giveUpLeases, renewLeases } from '../store/leases.ts'
import type { Claim } from './claim.ts'
import { type DriveContext, driveAttempt } from './drive-attempt.ts'
import type { Hold, StopCause } from './hold.ts'

interface Held {
  stop: AbortController
  epoch: number
  done: Promise<void>
}

export type HeldAttempts = ReturnType<typeof createHeldAttempts>

export function createHeldAttempts({
  context,
  workerId,
  leaseSeconds,
  onFree,
}: {
  context: DriveContext & { log: Logger }
  workerId: string
  leaseSeconds: number
  /** There is room for another. */
  onFree: () => void
}) {
  const { database, log, spares } = context
  const held = new Map<string, Held>()
  const stopAll = (cause: StopCause) => held.forEach(({ stop }) => void stop.abort(cause))
  const settled = async (): Promise<void> => {
    await Promise.all([...held.values()].map(({ done }) => done))
  }

  const hold = ({ job, attempt }: Claim, containers: Hold['containers'], remainingMs: number): void => {
    const stop = new AbortController()
    const deadline = setTimeout(() => stop.abort('deadline' satisfies StopCause), Math.max(0, remainingMs))
    if (job.cancel_requested_at) stop.abort('cancelled' satisfies StopCause)
    const holder = { attemptId: attempt.id, epoch: attempt.epoch }
    const done = driveAttempt(context, { job, attempt, holder, containers, signal: stop.signal })
      .catch(error =>
        log.error({ err: error, jobId: job.id }, 'an attempt could not be settled; it is recovered'),
      )
      .finally(() => {
        clearTimeout(deadline)
        if (held.get(attempt.id)?.stop === stop) held.delete(attempt.id)
        spares.forget(attempt.id)
        onFree()
        // Not earlier: starting a container takes the cores that the attempt's own start needs.
        spares.fill()
      })
    held.set(attempt.id, { stop, epoch: attempt.epoch, done })
  }

  return {
    hold,
    stopAll,
    settled,
    ids: (): string[] => [...held.keys()],
    count: (): number => held.size,

    /** Extends the leases, and lets go of what another worker has by now. */
    renew: async (): Promise<void> => {
      // Those in hand before the question: what is claimed meanwhile is not in the answer, and yet not lost.
      const inHand = [...held]
      if (inHand.length === 0) return
      const ids = inHand.map(([attemptId]) => attemptId)
      const kept = await database.acrossOrganizations(tx => renewLeases(tx, workerId, leaseSeconds, ids))
      const keptById = new Map(kept.map(lease => [lease.id, lease]))
      for (const [attemptId, { stop, epoch }] of inHand) {
        const lease = keptById.get(attemptId)
        if (lease?.epoch !== epoch) stop.abort('lease_lost' satisfies StopCause)
        else if (lease.cancel) stop.abort('cancelled' satisfies StopCause)
      }
    },

    /** Somebody wants something of this attempt, perhaps its end. */
    lookAgain: async (attemptId: string): Promise<void> => {
      const mine = held.get(attemptId)
      if (mine && (await database.acrossOrganizations(tx => findAttemptCancel(tx, attemptId))))
        mine.stop.abort('cancelled' satisfies StopCause)
    },

    /** Leaves everything to the next worker, which need not wait for the leases to run out. */
    handOver: async (): Promise<void> => {
      stopAll('handover')
      await settled()
      // Only now: whoever adopts opens the doors that were just closed.
      await database.acrossOrganizations(tx => giveUpLeases(tx, workerId))
    },
  }
}

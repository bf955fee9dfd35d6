// The attempts in the hands of one worker: drives each, renews their leases, tells them to stop, and lets go of them.
// Those that wait for a person take no room.
import type { Logger } from 'pino'
import { type AttemptPulse, findPulse } from '../store/attempts.ts'
import { giveUpLeases, renewLeases } from '../store/leases.ts'
import { type AttemptClock, startClock, type Timing } from './attempt-clock.ts'
import type { Claim } from './claim.ts'
import { type DriveContext, driveAttempt } from './drive-attempt.ts'
import type { Hold, StopCause } from './hold.ts'
import type { AttemptSignal } from './ports.ts'
import { idleToRelease, tellToPark } from './release-idle.ts'

interface Held {
  stop: AbortController
  urgent: AbortController
  epoch: number
  jobId: string
  clock: AttemptClock
  /** Since when it has been told to save and end, in monotonic milliseconds. */
  toldToParkAt?: number
  done: Promise<void>
}

export type HeldAttempts = ReturnType<typeof createHeldAttempts>

export function createHeldAttempts({
  context,
  workerId,
  leaseSeconds,
  onFree,
}: {
  context: DriveContext & { signal: AttemptSignal; log: Logger }
  workerId: string
  leaseSeconds: number
  /** There is room for another. */
  onFree: () => void
}) {
  const { database, log, spares } = context
  const held = new Map<string, Held>()
  const end = ({ stop, urgent }: Pick<Held, 'stop' | 'urgent'>, cause: StopCause): void => {
    stop.abort(cause)
    urgent.abort(cause)
  }
  const stopAll = (cause: StopCause) => held.forEach(mine => void end(mine, cause))
  const settled = async (): Promise<void> => {
    await Promise.all([...held.values()].map(({ done }) => done))
  }

  const hold = ({ job, attempt }: Claim, containers: Hold['containers'], timing: Timing): void => {
    const stop = new AbortController()
    const urgent = new AbortController()
    const clock = startClock(timing, () => stop.abort('deadline' satisfies StopCause))
    if (job.cancel_requested_at) end({ stop, urgent }, 'cancelled')
    const holder = { attemptId: attempt.id, epoch: attempt.epoch }
    const done = driveAttempt(context, {
      ...{ job, attempt, holder, containers },
      signal: stop.signal,
      urgent: urgent.signal,
    })
      .catch(error =>
        log.error({ err: error, jobId: job.id }, 'an attempt could not be settled; it is recovered'),
      )
      .finally(() => {
        clock.stop()
        if (held.get(attempt.id)?.stop === stop) held.delete(attempt.id)
        spares.forget(attempt.id)
        onFree()
        // Not earlier: starting a container takes the cores that the attempt's own start needs.
        spares.fill()
      })
    held.set(attempt.id, { stop, urgent, epoch: attempt.epoch, jobId: job.id, clock, done })
  }

  const obey = (mine: Held, pulse: AttemptPulse | undefined): void => {
    if (pulse?.epoch !== mine.epoch) end(mine, 'lease_lost')
    else if (pulse.cancel) end(mine, 'cancelled')
    if (pulse && mine.clock.set(pulse)) {
      delete mine.toldToParkAt
      onFree()
    }
  }

  const waiting = () =>
    [...held].flatMap(([attemptId, { clock }]) => {
      const waitingSince = clock.waitingSince()
      return waitingSince === null ? [] : [{ attemptId, waitingSince }]
    })

  return {
    hold,
    stopAll,
    settled,
    ids: (): string[] => [...held.keys()],
    /** Those that work. */
    count: (): number => held.size - waiting().length,

    /** Extends the leases, and lets go of what another worker has by now. */
    renew: async (): Promise<void> => {
      // Those in hand before the question: what is claimed meanwhile is not in the answer, and yet not lost.
      const inHand = [...held]
      if (inHand.length === 0) return
      const ids = inHand.map(([attemptId]) => attemptId)
      const kept = await database.acrossOrganizations(tx => renewLeases(tx, workerId, leaseSeconds, ids))
      const keptById = new Map(kept.map(lease => [lease.id, lease]))
      for (const [attemptId, mine] of inHand) obey(mine, keptById.get(attemptId))
    },

    /** Something is new of this attempt: it waits, it goes on, or somebody wants its end. */
    lookAgain: async (attemptId: string): Promise<void> => {
      const mine = held.get(attemptId)
      if (!mine) return
      const pulse = await database.acrossOrganizations(tx => findPulse(tx, attemptId))
      // One that has ended is not there any more; its settling is under way.
      if (pulse) obey(mine, pulse)
    },

    /** Has the containers saved and ended that wait for too long, or are too many. */
    releaseIdle: async (bounds: { keep: number; waitMs: number; parkMs: number }): Promise<void> => {
      const now = performance.now()
      for (const attemptId of idleToRelease(waiting(), { ...bounds, now })) {
        const mine = held.get(attemptId)
        if (!mine) continue
        const { jobId, epoch } = mine
        mine.toldToParkAt ??= now
        // The agent shares its container with whoever should save it: neither may keep it for ever.
        if (now - mine.toldToParkAt >= bounds.parkMs) end(mine, 'unparked')
        await tellToPark(context, jobId, { attemptId, epoch }).catch(error =>
          log.warn({ err: error, jobId }, 'a waiting container could not be told to end; it is told again'),
        )
      }
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

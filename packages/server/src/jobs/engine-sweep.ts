// What the engine itself has done regularly for the whole installation: see sweeper.ts.
import type { Logger } from 'pino'
import { forgetOldKeys } from '../store/idempotency.ts'
import { forgetSilentWorkers } from '../store/workers.ts'
import { releaseDueJobs, sweepDependents } from './dependents.ts'
import { endOverdueJobs } from './queue-timeout.ts'
import { adoptionGraceSeconds, recoverLostAttempts } from './recover.ts'
import type { SettleContext } from './settle.ts'
import type { SweepTask } from './sweeper.ts'
import { failOverdueWaits } from './wait-limit.ts'

/** A worker that said nothing for this many leases is gone. */
export const SILENT_LEASES = 2
const RELEASE_MS = 500
/** Jobs are told in the transaction that ends the other one: this only finds those that nobody told. */
const OVERLOOKED_MS = 2_000
const OLD_KEYS_MS = 60_000
const LIMIT_MS = 60_000
const WAIT_LIMIT_MS = 10_000

export const engineSweep = (
  context: SettleContext & { log: Logger },
  { leaseSeconds, waitLimitHours }: { leaseSeconds: number; waitLimitHours: number },
): SweepTask[] => [
  {
    name: 'lost attempts',
    // With a lease of 5 s, half a lease of grace and this, a lost attempt is noticed within two leases.
    everyMs: Math.min(2_000, leaseSeconds * 200),
    limitMs: LIMIT_MS,
    run: async () => {
      const lost = await recoverLostAttempts(context, adoptionGraceSeconds(leaseSeconds))
      if (lost > 0) context.log.warn({ lost }, 'attempts without a holder were recovered')
    },
  },
  {
    name: 'due jobs',
    everyMs: RELEASE_MS,
    limitMs: LIMIT_MS,
    run: async () => void (await releaseDueJobs(context)),
  },
  {
    name: 'overdue waits',
    everyMs: WAIT_LIMIT_MS,
    limitMs: LIMIT_MS,
    run: async () => void (await failOverdueWaits(context, waitLimitHours)),
  },
  {
    name: 'overlooked dependents',
    everyMs: OVERLOOKED_MS,
    limitMs: LIMIT_MS,
    run: async () => {
      const moved = await sweepDependents(context)
      if (moved > 0) context.log.info({ moved }, 'jobs whose predecessors had ended were moved on')
    },
  },
  {
    name: 'old Idempotency-Keys',
    everyMs: OLD_KEYS_MS,
    limitMs: LIMIT_MS,
    run: async () => void (await context.database.acrossOrganizations(forgetOldKeys)),
  },
  {
    name: 'overdue jobs',
    everyMs: 2_000,
    limitMs: LIMIT_MS,
    run: async () => {
      const ended = await endOverdueJobs(context, SILENT_LEASES * leaseSeconds)
      if (ended > 0) context.log.warn({ ended }, 'jobs waited too long in the queue')
    },
  },
  {
    name: 'silent workers',
    everyMs: 2_000,
    limitMs: LIMIT_MS,
    run: async () => {
      await context.database.acrossOrganizations(tx => forgetSilentWorkers(tx, SILENT_LEASES * leaseSeconds))
    },
  },
]

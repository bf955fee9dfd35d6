// Takes over attempts whose worker is gone: their containers run on, or what they reported is not brought to its end yet.
// Only a worker on the same data folder can: the containers' doors and the pushed commits lie there.
import type { ContainerHandle, Executor } from '../executors/port.ts'
import { type AttemptPulse, type AttemptRow, findPulse } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { lockJob } from '../store/jobs.ts'
import { findAdoptable, giveUpLeases, listHoldersAt, lockIfExpired, takeOver } from '../store/leases.ts'
import type { Claim, Claimer } from './claim.ts'
import type { Hold } from './hold.ts'
import type { EventLog } from './ports.ts'
import { recoverAttempt } from './recover.ts'
import type { SettleContext } from './settle.ts'

export interface Adoption extends Claim, Pick<Hold, 'containers'> {
  /** By the database's clock; the time limit may be past. */
  timing: AttemptPulse
}

export interface AdoptContext extends SettleContext {
  database: Database
  events: EventLog
  executor: Executor
}

const BATCH = 100

/**
 * An expired attempt of this place that left neither a container nor a report can be adopted by nobody: it is recovered
 * at once. `inHand` are those that this worker drives.
 */
export async function adoptAttempts(
  context: AdoptContext,
  claimer: Claimer,
  inHand: string[],
): Promise<Adoption[]> {
  const candidates = await context.database.acrossOrganizations(tx =>
    findAdoptable(tx, claimer.place, inHand, BATCH),
  )
  if (candidates.length === 0) return []
  const containers = await context.executor.list()
  const adopted: Adoption[] = []
  for (const candidate of candidates) {
    const own = containersOf(candidate, containers)
    if (candidate.reports.agent || own.agent) {
      const adoption = await adopt(context, claimer, candidate, own)
      if (adoption) adopted.push(adoption)
    } else await recoverAttempt(context, candidate.id, candidate.job_id, 0)
  }
  return adopted
}

function containersOf({ id }: AttemptRow, containers: ContainerHandle[]): Hold['containers'] {
  const own = containers.filter(container => container.attemptId === id)
  return Object.fromEntries(own.map(container => [container.phase, container]))
}

const adopt = (
  context: AdoptContext,
  claimer: Claimer,
  candidate: AttemptRow,
  containers: Hold['containers'],
): Promise<Adoption | null> =>
  context.database.acrossOrganizations(async tx => {
    const job = await lockJob(tx, candidate.job_id)
    // Of two that look at the same time, the second finds it held again.
    const found = job && (await lockIfExpired(tx, candidate.id, 0))
    if (!found) return null
    const attempt = await takeOver(tx, candidate.id, claimer)
    const timing = (await findPulse(tx, attempt.id))!
    await context.events.append(tx, job, [
      { type: 'attempt.adopted', data: { number: attempt.number, workerId: claimer.workerId } },
    ])
    return { job, attempt, containers, timing }
  })

/**
 * A process that was killed on this host can not renew: its leases end now, not when they run out. A wrong guess (process
 * ids of another namespace) costs a handover, nothing else: the epoch fences.
 */
export const giveUpLeasesOfTheDead = (
  database: Database,
  here: { workerId: string; place: string; host: string; pid: number; isAlive: (pid: number) => boolean },
): Promise<void> =>
  database.acrossOrganizations(async tx => {
    for (const holder of await listHoldersAt(tx, here.place, here.workerId)) {
      const dead = holder.pid === here.pid || !here.isAlive(holder.pid)
      if (holder.host === here.host && dead) await giveUpLeases(tx, holder.id)
    }
  })

export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

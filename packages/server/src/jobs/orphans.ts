// Removes containers of this installation whose attempt has ended, or never came to be.
import type { Executor } from '../executors/port.ts'
import { listLiveAttemptIds } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { listSpareIds } from '../store/workers.ts'
import type { AttemptGateway } from './ports.ts'
import type { Rescuer } from './rescue.ts'

/**
 * A container is an orphan when nobody owned it for `patienceMs`: longer than a heartbeat takes to tell of a spare that
 * another worker has just started.
 */
export function createOrphanSweep({
  database,
  executor,
  gateway,
  rescuer,
  patienceMs,
  now,
}: {
  database: Database
  executor: Executor
  gateway: Pick<AttemptGateway, 'discard'>
  rescuer: Pick<Rescuer, 'saveOrphan'>
  patienceMs: number
  /** Monotonic milliseconds. */
  now: () => number
}) {
  const firstSeen = new Map<string, number>()

  /** Returns how many containers were removed. `mine` are attempts that this process holds or has in reserve. */
  return async (mine: Set<string>): Promise<number> => {
    const containers = (await executor.list()).filter(container => !mine.has(container.attemptId))
    const ids = containers.map(container => container.attemptId)
    const owned =
      ids.length === 0
        ? new Set<string>()
        : await database.acrossOrganizations(
            async tx => new Set([...(await listLiveAttemptIds(tx, ids)), ...(await listSpareIds(tx, ids))]),
          )
    const ownerless = containers.filter(container => !owned.has(container.attemptId))
    forget(firstSeen, new Set(ownerless.map(container => container.id)))
    for (const container of ownerless) if (!firstSeen.has(container.id)) firstSeen.set(container.id, now())
    const orphans = ownerless.filter(container => now() - firstSeen.get(container.id)! >= patienceMs)
    await Promise.all(
      orphans.map(async container => {
        await rescuer.saveOrphan(container)
        await executor.stop(container, { graceMs: 0 })
        await gateway.discard(container.attemptId, container.phase)
      }),
    )
    return orphans.length
  }
}

function forget(seen: Map<string, number>, present: Set<string>): void {
  for (const id of seen.keys()) if (!present.has(id)) seen.delete(id)
}

// Whether containers and attempts fit together: neither is there without the other for long.
import type { Executor } from '../executors/port.ts'
import { listLiveAttemptIds } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { listSettledAttempts } from '../store/health.ts'
import { listSpareIds } from '../store/workers.ts'
import { type CheckResult, countOf, judge } from './check-result.ts'

export async function checkContainers(
  database: Database,
  executor: Executor,
  leaseSeconds: number,
): Promise<CheckResult> {
  const containers = await executor.list()
  const ids = [...new Set(containers.map(({ attemptId }) => attemptId))]
  const { owned, settled } = await database.acrossOrganizations(async tx => ({
    owned: new Set([...(await listLiveAttemptIds(tx, ids)), ...(await listSpareIds(tx, ids))]),
    settled: await listSettledAttempts(tx, 2 * leaseSeconds),
  }))
  const ownerless = containers.filter(({ attemptId }) => !owned.has(attemptId)).length
  const known = new Set(ids)
  // Executors whose containers end with their worker show this process's alone.
  const bodiless = executor.outlivesWorker ? settled.filter(id => !known.has(id)).length : 0
  return judge('containers', `${countOf(containers.length, 'container')}, each with its attempt.`, [
    ownerless === 0
      ? null
      : {
          status: 'warning',
          summary: `${countOf(ownerless, 'container')} without an attempt.`,
          next: 'A worker removes them within a lease; start one, or remove them: docker ps --filter label=flowforge.installation.',
        },
    bodiless === 0
      ? null
      : {
          status: 'warning',
          summary: `${countOf(bodiless, 'attempt')} without a container on this machine.`,
          next: 'Their worker notices within two leases; if it runs on another machine, ask there.',
        },
  ])
}

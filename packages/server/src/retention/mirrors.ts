// Mirrors that nobody has used for long go from this machine's disk; the next job fetches them again. Each machine looks
// after its own.
import type { Logger } from 'pino'
import type { Mirrors } from '../git/mirrors.ts'
import type { Database } from '../store/database.ts'
import { countUnfinishedJobs } from '../store/repositories.ts'
import { findUnusedRepositories, listOrganizations } from '../store/retention.ts'
import { type KeepDays, retentionOf } from './settings.ts'

export interface MirrorContext {
  database: Database
  log: Logger
  mirrors: Pick<Mirrors, 'exists' | 'removeCopy'>
  installation: KeepDays
}

export async function removeUnusedMirrors({
  database,
  log,
  mirrors,
  installation,
}: MirrorContext): Promise<number> {
  let removed = 0
  for (const organizationId of await database.acrossOrganizations(listOrganizations)) {
    const unused = await database.inOrganization(organizationId, async tx => {
      const days = (await retentionOf(tx, organizationId, installation)).keepDays.mirrors
      return days === null ? [] : findUnusedRepositories(tx, organizationId, days)
    })
    for (const { id, name, last_used_at } of unused) {
      if (!(await mirrors.exists(id))) continue
      const isUnused = async () =>
        (await database.inOrganization(organizationId, tx => countUnfinishedJobs(tx, id))) === 0
      const gone = await mirrors.removeCopy(id, isUnused)
      if (gone) removed += 1
      log.info(
        { audit: 'retention', organizationId, repository: name, lastUsedAt: last_used_at, removed: gone },
        gone
          ? 'an unused mirror was removed'
          : 'an unused mirror stays: it is in use again, or has results that are nowhere else',
      )
    }
  }
  return removed
}

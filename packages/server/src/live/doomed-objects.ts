// Deletes objects whose rows are gone, and those that somebody announced and never referred to.
import type { ObjectStorage } from '../storage/port.ts'
import type { Database } from '../store/database.ts'
import { forgetDoomedObjects, takeDoomedObjects } from '../store/doomed-objects.ts'

const AT_ONCE = 500

/** Objects first, then the list: what a crash leaves on it is deleted once more, which does no harm. */
export async function deleteDoomedObjects(
  { database, storage }: { database: Database; storage: ObjectStorage },
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0
  for (;;) {
    if (signal.aborted) return deleted
    const count = await database.acrossOrganizations(async tx => {
      const keys = await takeDoomedObjects(tx, AT_ONCE)
      if (keys.length > 0) await storage.delete(keys)
      return forgetDoomedObjects(tx, keys)
    })
    if (count === 0) return deleted
    deleted += count
  }
}

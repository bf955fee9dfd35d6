// Forgets a repository with its jobs and its data. Refused while jobs of it are unfinished.
import { FlowForgeError } from '../errors.ts'
import type { Database } from '../store/database.ts'
import { countUnfinishedJobs, deleteRepository, lockRepository } from '../store/repositories.ts'
import type { RepositoryFiles } from './ports.ts'

export async function removeRepository(
  context: { database: Database; files: RepositoryFiles },
  organizationId: string,
  id: string,
): Promise<void> {
  await context.database.inOrganization(organizationId, async tx => {
    if (!(await lockRepository(tx, organizationId, id)))
      throw new FlowForgeError('repository_not_found', 'There is no repository with this id.')
    const unfinished = await countUnfinishedJobs(tx, id)
    if (unfinished > 0) {
      throw new FlowForgeError(
        'repository_busy',
        `${unfinished} jobs of this repository are unfinished. Cancel them, or wait for their end.`,
      )
    }
    await deleteRepository(tx, organizationId, id)
  })
  await context.files.remove(id)
}

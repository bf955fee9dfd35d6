// What is done regularly with the stories of all jobs: sealing, and deleting objects that nothing refers to any more.
import type { Logger } from 'pino'
import type { ObjectStorage } from '../storage/port.ts'
import type { Database } from '../store/database.ts'
import { deleteDoomedObjects } from './doomed-objects.ts'
import { sealEndedJobs } from './seal.ts'

export interface StorageSweepTask {
  name: string
  everyMs: number
  run(signal: AbortSignal): Promise<void>
}

const SEAL_MS = 10_000
const DELETE_MS = 30_000

export const liveSweep = (
  context: { database: Database; storage: ObjectStorage; log: Logger },
  { sealAfterSeconds }: { sealAfterSeconds: number },
): StorageSweepTask[] => [
  {
    name: 'sealing',
    everyMs: SEAL_MS,
    run: async signal => {
      const sealed = await sealEndedJobs(context, { endedSeconds: sealAfterSeconds, signal })
      if (sealed > 0) context.log.info({ sealed }, 'events of ended jobs moved to object storage')
    },
  },
  {
    name: 'deleting objects',
    everyMs: DELETE_MS,
    run: async signal => {
      const deleted = await deleteDoomedObjects(context, signal)
      if (deleted > 0) context.log.info({ deleted }, 'objects that nothing refers to were deleted')
    },
  },
]

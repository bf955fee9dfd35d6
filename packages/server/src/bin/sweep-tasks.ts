// What the leading worker does regularly for the whole installation: one line for each folder that has such work.
import { engineSweep } from '../jobs/engine-sweep.ts'
import type { SweepTask } from '../jobs/sweeper.ts'
import { liveSweep } from '../live/live-sweep.ts'
import { retentionSweep } from '../retention/sweep.ts'
import { scheduleSweep } from '../schedules/sweep.ts'
import { backupSweep } from './backup-source.ts'
import type { Foundation } from './foundation.ts'

export const sweepTasks = (foundation: Foundation): SweepTask[] => [
  ...engineSweep(foundation, foundation.config),
  ...scheduleSweep(foundation),
  ...foundation.queueSweep,
  ...liveSweep(foundation, { sealAfterSeconds: foundation.config.sealAfterSeconds }),
  ...backupSweep(foundation),
  retentionSweep({ ...foundation, installation: foundation.config.keepDays }),
]

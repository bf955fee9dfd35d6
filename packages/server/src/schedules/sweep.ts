// Looks for due schedules, once a second, wherever the sweep is led.
import type { Logger } from 'pino'
import type { SweepTask } from '../jobs/sweeper.ts'
import { type FireContext, fireDueSchedules } from './fire.ts'

const LOOK_MS = 1_000
const LIMIT_MS = 60_000

export const scheduleSweep = (context: FireContext & { log: Logger }): SweepTask[] => [
  {
    name: 'schedules',
    everyMs: LOOK_MS,
    limitMs: LIMIT_MS,
    run: async () => void (await fireDueSchedules(context)),
  },
]

// Finds schedules on the server by what people call them, and says when they are due.
import type { FlowForge, Schedule } from '@flowforge/sdk'
import { CliFailure } from './failure.ts'
import { formatMoment } from './output/format.ts'

export async function requireSchedule(flowforge: FlowForge, name: string): Promise<Schedule> {
  for await (const schedule of flowforge.schedules.list({ limit: 100 })) {
    if (schedule.name.toLowerCase() === name.toLowerCase() || schedule.id === name) return schedule
  }
  throw new CliFailure(`There is no schedule "${name}".`, { next: 'List them with: flowforge schedule list' })
}

/** In this machine's time zone: when does it cost me something? */
export const nextRun = ({ enabled, nextRunAt }: Schedule): string =>
  enabled ? (nextRunAt ? formatMoment(nextRunAt) : 'never') : 'paused'

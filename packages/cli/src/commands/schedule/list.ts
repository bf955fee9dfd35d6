// flowforge schedule list
import type { Schedule } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'
import { type Column, printTable } from '../../output/table.ts'
import { nextRun } from '../../schedules.ts'

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge } = await context.connect()
    const schedules: Schedule[] = []
    for await (const schedule of flowforge.schedules.list({ limit: 100 })) schedules.push(schedule)
    const { output } = context
    if (output.json) output.value(schedules)
    else if (schedules.length === 0)
      output.message(
        'No schedules. Make one with: flowforge schedule create NAME "TASK" --repo NAME --cron "0 3 * * *"',
      )
    else printTable(output, COLUMNS, schedules)
    return EXIT.success
  },
})

const COLUMNS: Column<Schedule>[] = [
  { title: 'NAME', text: schedule => plainLine(schedule.name) },
  { title: 'RUNS', text: schedule => `${plainLine(schedule.description)} (${plainLine(schedule.timezone)})` },
  { title: 'NEXT', text: nextRun, tone: schedule => (schedule.enabled ? 'plain' : 'dim') },
  {
    title: 'LAST',
    text: schedule => (schedule.lastError ? 'failed' : schedule.lastRunAt ? 'ran' : '-'),
    tone: schedule => (schedule.lastError ? 'bad' : 'dim'),
  },
  { title: 'TASK', text: schedule => plainLine(schedule.job.task), flexible: true },
]

// flowforge schedule show NAME: what it does, when, and what became of its runs.
import type { Schedule, ScheduleRun } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import type { Context } from '../../context.ts'
import { EXIT } from '../../exit-codes.ts'
import { formatMoment } from '../../output/format.ts'
import { plainLine, plainText } from '../../output/plain-text.ts'
import { wrap } from '../../output/text-width.ts'
import { nextRun, requireSchedule } from '../../schedules.ts'

const RUNS_SHOWN = 10

export const command = defineCommand<object, { name: string }>({
  describe: command => command.argument('<name>', 'its name or id'),
  parse: ([name]) => ({ name: name! }),
  run: async ({ name }, context) => {
    const { flowforge } = await context.connect()
    const schedule = await requireSchedule(flowforge, name)
    const runs = await flowforge.schedules.runs(schedule.id)
    if (context.output.json) context.output.value({ ...schedule, runs })
    else print(schedule, runs, context)
    return EXIT.success
  },
})

function print(schedule: Schedule, runs: ScheduleRun[], { output }: Context): void {
  const { style } = output
  const field = (name: string, value: string) => output.line(`  ${style.dim(name.padEnd(10))}${value}`)
  output.line(style.bold(plainLine(schedule.name)))
  for (const line of wrap(plainText(schedule.job.task).trim(), output.columns() - 3)) output.line(`  ${line}`)
  field('Runs', `${plainLine(schedule.description)} (${plainLine(schedule.timezone)})`)
  field('Cron', plainLine(schedule.cron))
  field('Next', nextRun(schedule))
  field('Overlap', OVERLAP[schedule.overlap])
  field('Missed', MISSED[schedule.missed])
  if (schedule.lastError) field('Trouble', style.red(plainLine(schedule.lastError.message)))
  for (const [index, run] of runs.slice(0, RUNS_SHOWN).entries())
    field(index === 0 ? 'History' : '', `${formatMoment(run.dueAt)}  ${describeRun(run)}`)
}

const OVERLAP = {
  skip: 'skipped while the run before is unfinished',
  queue: 'queued behind the run before',
  cancel_previous: 'cancels the run before',
}
const MISSED = { skip: 'skipped', run_once: 'made up for once' }

const describeRun = ({ outcome, jobNumber, message }: ScheduleRun): string =>
  [jobNumber === null ? outcome : `job #${jobNumber}`, ...(message ? [plainLine(message)] : [])].join('  ')

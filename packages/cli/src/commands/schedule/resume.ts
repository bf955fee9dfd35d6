// flowforge schedule resume NAME
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'
import { nextRun, requireSchedule } from '../../schedules.ts'

export const command = defineCommand<object, { name: string }>({
  describe: command => command.argument('<name>', 'its name or id'),
  parse: ([name]) => ({ name: name! }),
  run: async ({ name }, context) => {
    const { flowforge } = await context.connect()
    const { id } = await requireSchedule(flowforge, name)
    const schedule = await flowforge.schedules.change(id, { enabled: true })
    if (context.output.json) context.output.value(schedule)
    else context.output.line(`${plainLine(schedule.name)} runs again. Next: ${nextRun(schedule)}.`)
    return EXIT.success
  },
})

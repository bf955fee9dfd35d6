// flowforge schedule remove NAME: its jobs stay.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'
import { requireSchedule } from '../../schedules.ts'

export const command = defineCommand<object, { name: string }>({
  describe: command => command.argument('<name>', 'its name or id'),
  parse: ([name]) => ({ name: name! }),
  run: async ({ name }, context) => {
    const { flowforge } = await context.connect()
    const schedule = await requireSchedule(flowforge, name)
    await flowforge.schedules.remove(schedule.id)
    if (context.output.json) context.output.value({ id: schedule.id, name: schedule.name, removed: true })
    else context.output.line(`Removed ${plainLine(schedule.name)}. Its jobs stay.`)
    return EXIT.success
  },
})

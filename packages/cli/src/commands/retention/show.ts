// flowforge retention show: how long the organization keeps things, and who says so.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { printKeepDays } from '../../work/keep-days.ts'

export const command = defineCommand<object, object>({
  describe: command => command,
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge } = await context.connect()
    const retention = await flowforge.retention.get()
    if (context.output.json) context.output.value(retention)
    else {
      printKeepDays(context.output, retention.keepDays)
      if (!retention.own) context.output.message('The organization has said nothing: this is for all.')
    }
    return EXIT.success
  },
})

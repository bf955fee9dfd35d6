// flowforge retention run: deletes now what the regular run would delete within the hour.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { formatCount } from '../../output/format.ts'

export const command = defineCommand<object, object>({
  describe: command => command,
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge } = await context.connect()
    const removed = await flowforge.retention.run()
    if (context.output.json) context.output.value(removed)
    else {
      const stories = formatCount(removed.events, 'story').replace('storys', 'stories')
      context.output.line(
        `Removed ${formatCount(removed.jobs, 'job')}, ${stories} of other jobs and ${formatCount(removed.artifacts, 'artifact')}.`,
      )
    }
    return EXIT.success
  },
})

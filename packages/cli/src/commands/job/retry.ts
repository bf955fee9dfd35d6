// flowforge job retry ID
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { parseJobId } from '../../values.ts'

export const command = defineCommand<object, { id: string }>({
  describe: command => command.argument('<id>', "the job's number or id"),
  parse: args => ({ id: parseJobId(args[0]) }),
  run: async ({ id }, context) => {
    const { flowforge } = await context.connect()
    const job = await flowforge.jobs.retry(id)
    if (context.output.json) context.output.value(job)
    else
      context.output.line(
        `Job #${job.number} is queued again. Follow it: flowforge job logs -f ${job.number}`,
      )
    return EXIT.success
  },
})

// flowforge job cancel ID
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure, isApiError } from '../../failure.ts'
import { parseJobId } from '../../values.ts'

export const command = defineCommand<object, { id: string }>({
  describe: command => command.argument('<id>', "the job's number or id"),
  parse: args => ({ id: parseJobId(args[0]) }),
  run: async ({ id }, context) => {
    const { flowforge } = await context.connect()
    const job = await flowforge.jobs.cancel(id).catch(async (error: unknown) => {
      if (!isApiError(error, 'job_state_conflict')) throw error
      const { number, state } = await flowforge.jobs.get(id)
      throw new CliFailure(`Job #${number} has ${state} already; there is nothing to cancel.`, {
        cause: error,
      })
    })
    if (context.output.json) context.output.value(job)
    // A running job ends when its container has: the answer says which it is.
    else
      context.output.line(
        `Job #${job.number} ${job.state === 'cancelled' ? 'is cancelled' : 'is being cancelled'}.`,
      )
    return EXIT.success
  },
})

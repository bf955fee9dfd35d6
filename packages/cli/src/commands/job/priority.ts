// flowforge job priority ID low|normal|high
import type { Priority } from '@flowforge/sdk'
import { Argument } from 'commander'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { parseJobId } from '../../values.ts'

const PRIORITIES: Priority[] = ['low', 'normal', 'high']

export const command = defineCommand<object, { id: string; priority: Priority }>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .addArgument(new Argument('<priority>', 'its place in the queue').choices(PRIORITIES)),
  parse: ([id, priority]) => ({ id: parseJobId(id), priority: PRIORITIES.find(name => name === priority)! }),
  run: async ({ id, priority }, context) => {
    const { flowforge } = await context.connect()
    const job = await flowforge.jobs.change(id, { priority })
    if (context.output.json) context.output.value(job)
    else context.output.line(`Job #${job.number} has ${priority} priority now.`)
    return EXIT.success
  },
})

// flowforge schedule run NAME: now, besides its due times.
import { defineCommand } from '../../command.ts'
import { consoleUrl } from '../../console-address.ts'
import { EXIT } from '../../exit-codes.ts'
import { requireSchedule } from '../../schedules.ts'

export const command = defineCommand<object, { name: string }>({
  describe: command => command.argument('<name>', 'its name or id'),
  parse: ([name]) => ({ name: name! }),
  run: async ({ name }, context) => {
    const { flowforge, url } = await context.connect()
    const { id } = await requireSchedule(flowforge, name)
    const job = await flowforge.schedules.run(id)
    if (context.output.json) context.output.value(job)
    else {
      context.output.line(`Job #${job.number}  ${consoleUrl(url, job)}`)
      context.output.line(`Follow it with: flowforge job logs -f ${job.number}`)
    }
    return EXIT.success
  },
})

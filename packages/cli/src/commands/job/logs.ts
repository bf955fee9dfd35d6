// flowforge job logs ID [-f]: what a job has told so far, and with -f what it goes on to tell.
import { defineCommand } from '../../command.ts'
import { EXIT, exitCodeOf } from '../../exit-codes.ts'
import { createJsonView, createStampedView } from '../../live/view.ts'
import { watch } from '../../live/watch.ts'
import { parseCount, parseJobId } from '../../values.ts'

export interface LogsFlags {
  follow?: boolean
  after: number
}

export const command = defineCommand<LogsFlags, LogsFlags & { id: string }>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .option('-f, --follow', 'go on until the job ends; exit as the job did')
      .option('--after <seq>', 'start behind this event', parseCount, 0),
  parse: (args, flags) => ({ ...flags, id: parseJobId(args[0]) }),
  run: async ({ id, follow, after }, context) => {
    const { flowforge, url } = await context.connect()
    const job = await flowforge.jobs.get(id)
    const { output } = context
    if (follow) {
      const followed = await watch({ context, flowforge, url, job, after, jsonEvents: output.json })
      return followed.outcome === 'ended' ? exitCodeOf(followed.job) : EXIT.success
    }
    const view = output.json ? createJsonView(output) : createStampedView(output.line)
    for await (const event of flowforge.jobs.events(job.id, { after, limit: 500 })) view.show(event)
    return EXIT.success
  },
})

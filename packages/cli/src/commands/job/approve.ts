// flowforge job approve ID [--deny] [--note TEXT]
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure } from '../../failure.ts'
import { parseJobId } from '../../values.ts'

export interface ApproveFlags {
  deny?: boolean
  note?: string
  request?: string
}

export const command = defineCommand<ApproveFlags, ApproveFlags & { id: string }>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .option('--deny', 'say no')
      .option('--note <text>', 'tell Claude why, or what to do differently')
      .option('--request <id>', 'which request, when it asks several (the oldest)'),
  parse: (args, flags) => ({ ...flags, id: parseJobId(args[0]) }),
  run: async ({ id, deny, note, request }, context) => {
    const { flowforge } = await context.connect()
    const requestId = request ?? (await oldestPending(flowforge.jobs.approvals(id), id))
    const decision = deny ? 'deny' : 'allow'
    const job = await flowforge.jobs.approve(id, { requestId, decision, ...(note ? { note } : {}) })
    if (context.output.json) context.output.value(job)
    else context.output.line(`Job #${job.number}: ${deny ? 'denied' : 'approved'}.`)
    return EXIT.success
  },
})

async function oldestPending(
  asking: Promise<Array<{ requestId: string; status: string }>>,
  id: string,
): Promise<string> {
  const pending = (await asking).find(({ status }) => status === 'pending')
  if (pending) return pending.requestId
  throw new CliFailure(`Job ${id} asks nothing.`, { next: `What it does: flowforge job show ${id}` })
}

// flowforge job attempts ID: every try at a job, how it ended, and what is left of it.
import type { Attempt } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { formatAge } from '../../output/format.ts'
import { plainLine } from '../../output/plain-text.ts'
import { type Column, printTable } from '../../output/table.ts'
import { parseJobId } from '../../values.ts'

export const command = defineCommand<object, { id: string }>({
  describe: command => command.argument('<id>', "the job's number or id"),
  parse: args => ({ id: parseJobId(args[0]) }),
  run: async ({ id }, context) => {
    const { flowforge } = await context.connect()
    const attempts = await flowforge.jobs.attempts(id)
    const { output } = context
    if (output.json) output.value(attempts)
    else if (attempts.length === 0) output.message('No worker has taken the job yet.')
    else {
      printTable(output, columns(context.nowMs()), attempts)
      for (const { number, rescueRef } of attempts)
        if (rescueRef)
          output.message(`Attempt ${number} left work behind: flowforge job diff ${id} --attempt ${number}`)
    }
    return EXIT.success
  },
})

const columns = (nowMs: number): Column<Attempt>[] => [
  { title: 'ATTEMPT', text: attempt => String(attempt.number) },
  { title: 'STARTED', text: attempt => formatAge(attempt.startedAt, nowMs) },
  { title: 'ENDED', text: attempt => (attempt.endedAt ? formatAge(attempt.endedAt, nowMs) : 'runs') },
  { title: 'HOW', text: attempt => plainLine(attempt.failure ?? attempt.endReason ?? ''), flexible: true },
  { title: 'COMMIT', text: attempt => (attempt.pushedCommit ?? attempt.rescuedCommit ?? '').slice(0, 7) },
  { title: 'WORKER', text: attempt => plainLine(attempt.workerId).slice(-8) },
]

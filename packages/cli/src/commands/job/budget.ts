// flowforge job budget ID USD
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { usageError } from '../../failure.ts'
import { formatUsd } from '../../output/format.ts'
import { parseJobId, parseUsd } from '../../values.ts'

interface BudgetOptions {
  id: string
  /** null: no limit. */
  usd: number | null
}

export const command = defineCommand<object, BudgetOptions>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .argument('<usd>', 'what it may cost in all, in dollars; none takes the limit away'),
  parse: ([id, usd]) => ({ id: parseJobId(id), usd: readBudget(usd ?? '') }),
  run: async ({ id, usd }, context) => {
    const { flowforge } = await context.connect()
    const job = await flowforge.jobs.change(id, { budgetUsd: usd })
    if (context.output.json) context.output.value(job)
    else
      context.output.line(
        usd === null
          ? `Job #${job.number} has no budget any more.`
          : `Job #${job.number} may cost ${formatUsd(usd)}; ${formatUsd(job.costUsd)} are spent.`,
      )
    return EXIT.success
  },
})

function readBudget(text: string): number | null {
  if (text === 'none') return null
  try {
    return parseUsd(text)
  } catch {
    throw usageError(`"${text}" is not a budget.`, 'Write an amount in dollars such as 5 or 0.50, or none.')
  }
}

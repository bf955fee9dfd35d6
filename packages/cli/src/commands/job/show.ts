// flowforge job show ID
import type { Approval, Job } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { consoleUrl } from '../../console-address.ts'
import { EXIT } from '../../exit-codes.ts'
import { howToAnswer, requestText } from '../../live/request-text.ts'
import { resultCard } from '../../live/result-card.ts'
import { formatAge } from '../../output/format.ts'
import { plainLine, plainText } from '../../output/plain-text.ts'
import { wrap } from '../../output/text-width.ts'
import { parseJobId } from '../../values.ts'

export const command = defineCommand<object, { id: string }>({
  describe: command => command.argument('<id>', "the job's number or id"),
  parse: args => ({ id: parseJobId(args[0]) }),
  run: async ({ id }, context) => {
    const { flowforge, url } = await context.connect()
    const job = await flowforge.jobs.get(id)
    const { output } = context
    if (output.json) {
      output.value(job)
      return EXIT.success
    }
    for (const line of wrap(plainText(job.task).trim(), output.columns() - 1))
      output.line(output.style.bold(line))
    output.line(output.style.dim(origin(job, context.nowMs())))
    output.line()
    const nowMs = context.nowMs()
    const card = { style: output.style, columns: output.columns(), consoleUrl: consoleUrl(url, job), nowMs }
    for (const line of resultCard(job, card)) output.line(line)
    if (job.state === 'waiting')
      for (const line of openRequests(await flowforge.jobs.approvals(job.id), job)) output.line(line)
    return EXIT.success
  },
})

/** What it asks, and how to answer. */
const openRequests = (approvals: Approval[], job: Job): string[] =>
  approvals
    .filter(({ status }) => status === 'pending')
    .flatMap(({ kind, input }) => ['', requestText(kind, input), howToAnswer(kind, String(job.number))])

function origin(job: Job, nowMs: number): string {
  const commit = job.baseCommit ? ` (${plainLine(job.baseCommit).slice(0, 7)})` : ''
  const attempt = job.attempt > 1 ? `, attempt ${job.attempt}` : ''
  return `from ${plainLine(job.baseBranch)}${commit} to ${plainLine(job.branch)}, created ${formatAge(job.createdAt, nowMs)}${attempt}`
}

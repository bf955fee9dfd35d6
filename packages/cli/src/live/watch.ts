// Follows a job in front of a person or a program: picks the view, and says at the end how it went or how to go on.
import type { FlowForge, Job } from '@flowforge/sdk'
import { consoleUrl } from '../console-address.ts'
import type { Context } from '../context.ts'
import { createAnswerHere } from './answer-here.ts'
import { type Followed, followJob } from './follow-job.ts'
import { resultCard } from './result-card.ts'
import { createJsonView, createStampedView, createTerminalView, type View } from './view.ts'

export interface WatchOptions {
  context: Context
  flowforge: FlowForge
  url: string
  job: Job
  after?: number
  /** With --json: events as NDJSON on stdout, instead of the story on stderr. */
  jsonEvents: boolean
}

export async function watch({
  context,
  flowforge,
  url,
  job,
  after,
  jsonEvents,
}: WatchOptions): Promise<Followed> {
  const { output } = context
  const view = chooseView(context, job, jsonEvents)
  // Only where both questions and answers have a terminal.
  const answering =
    output.isLive && context.ask
      ? createAnswerHere({ context, flowforge, job, view }, context.ask)
      : undefined
  const followed = await followJob(flowforge, job, view, {
    ...(after ? { after } : {}),
    onEvent: answering?.take,
  }).finally(() => answering?.close())
  if (followed.outcome === 'detached') {
    output.message(`Detached; the job goes on. flowforge job logs -f ${job.number}`)
    output.message(`To end it: flowforge job cancel ${job.number}`)
    return followed
  }
  if (jsonEvents) return followed
  const print = output.json ? output.message : output.line
  const place = { consoleUrl: consoleUrl(url, job), nowMs: context.nowMs() }
  const columns = output.isTerminal ? output.columns() : 100
  print('')
  for (const line of resultCard(followed.job, { style: output.style, columns, ...place })) print(line)
  return followed
}

function chooseView({ output, nowMs }: Context, job: Job, jsonEvents: boolean): View {
  if (jsonEvents) return createJsonView(output)
  if (output.isLive) return createTerminalView(output, job, nowMs)
  return createStampedView(output.json ? output.message : output.line)
}

// Asks the person at the terminal what Claude wants to know, right in the followed story, and sends the answer. When somebody
// else is faster, the question is taken back.
import type { Approval, FlowForge, Job, JobEvent } from '@flowforge/sdk'
import type { Context } from '../context.ts'
import { isApiError } from '../failure.ts'
import { plainLine } from '../output/plain-text.ts'
import { chosen, howToAnswer, questionsIn } from './request-text.ts'
import type { View } from './view.ts'

export interface AnswerHere {
  /** Told of every event; asks when one of them is a request. */
  take(event: JobEvent): void
  close(): void
}

type Ask = (text: string, signal: AbortSignal) => Promise<string | undefined>

export function createAnswerHere(
  { context, flowforge, job, view }: { context: Context; flowforge: FlowForge; job: Job; view: View },
  ask: Ask,
): AnswerHere {
  const open = new Map<string, AbortController>()
  let line = Promise.resolve()

  const answer = async (request: Approval, signal: AbortSignal): Promise<void> => {
    view.pause()
    try {
      const isAnswered = await ANSWERS[request.kind](request, text => ask(text, signal), flowforge, job)
      if (!isAnswered && !signal.aborted)
        context.output.line(`The job waits. ${howToAnswer(request.kind, plainLine(job.number))}`)
    } catch (error) {
      // Somebody was faster: the story tells it.
      if (!isApiError(error, 'request_decided')) throw error
    } finally {
      view.goOn()
    }
  }

  const begin = async (requestId: string, signal: AbortSignal): Promise<void> => {
    // What is told of the past was decided long ago.
    const request = (await flowforge.jobs.approvals(job.id)).find(one => one.requestId === requestId)
    if (request?.status === 'pending' && !signal.aborted) await answer(request, signal)
  }

  return {
    take: event => {
      if (event.type === 'approval.decided') open.get(event.data.requestId)?.abort()
      if (event.type === 'job.resumed' || event.type === 'job.queued')
        for (const controller of open.values()) controller.abort()
      if (event.type !== 'approval.requested') return
      const { requestId } = event.data
      const controller = new AbortController()
      open.set(requestId, controller)
      // One after the other: there is one keyboard.
      line = line
        .then(() => (controller.signal.aborted ? undefined : begin(requestId, controller.signal)))
        .catch(error => context.output.message(error instanceof Error ? error.message : String(error)))
        .finally(() => open.delete(requestId))
    },
    close: () => {
      for (const controller of open.values()) controller.abort()
    },
  }
}

type Answer = (
  request: Approval,
  ask: (text: string) => Promise<string | undefined>,
  flowforge: FlowForge,
  job: Job,
) => Promise<boolean>

/** False: the person gave no answer. */
const ANSWERS: Record<Approval['kind'], Answer> = {
  question: async ({ input }, ask, flowforge, job) => {
    const answers: Record<string, string | string[]> = {}
    for (const question of questionsIn(input)) {
      const given = await ask(`${plainLine(question.question)} (number or words) `)
      if (given === undefined) return false
      if (given.trim() !== '') answers[question.question] = chosen(question, given.trim())
    }
    if (Object.keys(answers).length === 0) return false
    await flowforge.jobs.reply(job.id, { answers })
    return true
  },
  plan: (request, ask, flowforge, job) =>
    yesNoOrWords(request, ask('Approve the plan? (y, or what to change) '), flowforge, job),
  tool: (request, ask, flowforge, job) =>
    yesNoOrWords(request, ask('Allow it? (y, n, or what to do instead) '), flowforge, job),
  reply: async (_request, ask, flowforge, job) => {
    const text = await ask('Your reply: ')
    if (text === undefined || text.trim() === '') return false
    await flowforge.jobs.reply(job.id, { text })
    return true
  },
}

async function yesNoOrWords(
  { requestId }: Approval,
  asked: Promise<string | undefined>,
  flowforge: FlowForge,
  job: Job,
): Promise<boolean> {
  const given = (await asked)?.trim()
  if (given === undefined || given === '') return false
  const isYes = /^y(es)?$/i.test(given)
  const isNo = /^n(o)?$/i.test(given)
  await flowforge.jobs.approve(job.id, {
    requestId,
    decision: isYes ? 'allow' : 'deny',
    ...(isYes || isNo ? {} : { note: given }),
  })
  return true
}

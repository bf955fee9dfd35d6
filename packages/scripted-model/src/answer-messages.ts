// POST /v1/messages, from body to answer: check, find the step, fail if the step says so, play.
import { setTimeout as wait } from 'node:timers/promises'
import { composeAnswer } from './answer.ts'
import { ApiError } from './api-errors.ts'
import { type ChosenStep, chooseStep, UnknownScenario } from './choose-step.ts'
import { type Conversation, readConversation } from './conversation.ts'
import { type Context, type Exchange, parseJson } from './exchange.ts'
import { describeInvalid, MessagesRequest, unpairedTool } from './messages-request.ts'
import { requireModel } from './models.ts'
import { playAnswer } from './play-answer.ts'

export async function answerMessages(context: Context, exchange: Exchange): Promise<void> {
  const { recorded, response, signal } = exchange
  const request = readRequest(exchange)
  const agentId = exchange.request.headers['x-claude-code-agent-id']
  const conversation = readConversation(request, typeof agentId === 'string' ? agentId : '')
  Object.assign(recorded, { kind: conversation.kind, task: conversation.task.slice(0, 500) })
  const chosen = choose(context, conversation)
  Object.assign(recorded, { scenario: chosen.scenario, step: chosen.position })
  const pace = chosen.fixedPace ? 1 : context.pace
  await wait(chosen.step.delayMs * pace, undefined, { signal })
  const fault = faultOf(context, conversation, chosen)
  const answer = composeAnswer(request, conversation, chosen)
  recorded.usage = answer.usage
  context.record.count(answer.usage)
  const { tokensPerSecond } = chosen.step
  recorded.outcome = await playAnswer({
    answer,
    response,
    stream: request.stream ?? false,
    fault,
    tokensPerSecond,
    pace,
    signal,
  })
}

function readRequest({ body, recorded }: Exchange): MessagesRequest {
  const parsed = MessagesRequest.safeParse(parseJson(body))
  if (!parsed.success) throw new ApiError(400, describeInvalid(parsed.error))
  recorded.model = parsed.data.model
  recorded.stream = parsed.data.stream ?? false
  requireModel(parsed.data.model)
  const unpaired = unpairedTool(parsed.data.messages)
  if (unpaired) throw new ApiError(400, unpaired)
  return parsed.data
}

function choose({ scenarios }: Context, conversation: Conversation): ChosenStep {
  try {
    return chooseStep(scenarios, conversation)
  } catch (error) {
    if (error instanceof UnknownScenario) throw new ApiError(400, error.message)
    throw error
  }
}

/** Throws the step's error, or says how the answer is to be broken. */
function faultOf({ faultCounts }: Context, { key }: Conversation, { step, position }: ChosenStep) {
  const happens = (fault: string, setting: true | { times?: number | undefined } | undefined) =>
    setting !== undefined &&
    faultCounts.happens(`${key} ${position} ${fault}`, setting === true ? undefined : setting.times)
  if (step.error && happens('error', step.error)) {
    throw new ApiError(step.error.status, step.error.message, step.error.retryAfter)
  }
  return (['stall', 'cut', 'malformed'] as const).find(fault => happens(fault, step[fault]))
}

// The words with which an attempt is told where it stands: what people said, and what became of the container before.
// Pure; what people wrote is passed on as they wrote it.
import type { FailureCode } from '@flowforge/protocol'
import type { AttemptRow } from '../store/attempts.ts'
import type { ApprovalRow } from '../store/conversations.ts'
import { answerText, questionsIn } from './answers.ts'

/** One message of a person, with the request that it decides. */
export interface Said {
  number: number
  text: string | null
  request: ApprovalRow | undefined
}

export interface Situation {
  /** The attempt before this one. */
  lastAttempt: Pick<AttemptRow, 'number' | 'end_reason' | 'failure'> | undefined
  /** What it had made is checked out. */
  isRestored: boolean
}

const PARKED = 'parked'
const SUCCEEDED = 'succeeded'

/** For a conversation that goes on: only what it does not know yet. */
export function resumePrompt(news: Said[], situation: Situation): string {
  return [...(situation.lastAttempt ? whereItStands(situation) : []), ...news.map(wordsOf)].join('\n\n')
}

/** For one that has to begin anew: the task, and all that was said since. */
export function afreshPrompt(task: string, said: Said[], situation: Situation): string {
  const history = said.map(wordsOf)
  return [
    task,
    ...(history.length > 0 ? ['Since the task was given, this was said:', ...history] : []),
    ...(situation.isRestored
      ? [
          'An earlier attempt at this task left its work: it is checked out here. Look at it and go on from there.',
        ]
      : []),
  ].join('\n\n')
}

/** Of a turn that ended well nothing needs to be said, unless nobody says anything. */
function whereItStands({ lastAttempt, isRestored }: Situation): string[] {
  const files = isRestored
    ? 'Your files are as you left them; programs that ran are gone.'
    : 'The repository is at its base again: changes that were not pushed are gone.'
  const end = lastAttempt?.end_reason
  if (end === SUCCEEDED) return isRestored ? [] : [files]
  if (end === PARKED)
    return [`While you waited, your container was put away; you go on in a new one. ${files}`]
  return [
    `${lossOf(lastAttempt?.failure ?? null, end ?? null)} You go on in a new container. ${files} Look where you stand, then carry the task through to its end.`,
  ]
}

function lossOf(failure: FailureCode | null, end: string | null): string {
  if (end === 'cancelled') return 'The work was cancelled by a person, and is taken up again.'
  switch (failure) {
    case 'verify_failed':
      return 'The commands that check the work failed on it.'
    case 'timeout':
      return 'The time limit ended your work.'
    case 'budget_exceeded':
      return 'The budget ended your work.'
    case 'oom':
      return 'Your container used more memory than it may and was ended.'
    case 'worker_lost':
    case 'agent_crashed':
    case 'no_progress':
    case null:
      return 'Your container was lost.'
    default:
      return `Your last attempt ended with ${failure}.`
  }
}

function wordsOf({ text, request }: Said): string {
  if (!request) return text ?? ''
  switch (request.kind) {
    case 'question':
      return answered(request)
    case 'plan':
      return request.decision === 'allow'
        ? ['Your plan was approved. Carry it out now.', ...planOf(request), ...noteOf(request)].join('\n\n')
        : [
            'Your plan was not approved.',
            ...noteOf(request),
            'Change it, and present it again with ExitPlanMode.',
          ].join('\n\n')
    case 'tool':
      return request.decision === 'allow'
        ? `A person allowed this call of the tool ${JSON.stringify(request.input)}. Make exactly this call now.`
        : [
            'A person did not allow this call of the tool:',
            JSON.stringify(request.input),
            ...noteOf(request),
          ].join('\n\n')
    case 'reply':
      return text ?? ''
  }
}

function answered({ input, answers, decision, note }: ApprovalRow): string {
  const questions = questionsIn(input)
  const lines = questions.map(({ question }) => {
    const answer = answers?.[question]
    return answer === undefined ? `- ${question}` : `- ${question}\n  ${answerText(answer)}`
  })
  if (decision === 'deny') lines.push('Nobody answers: decide yourself.')
  return ['You asked a person, and this is the answer:', lines.join('\n'), ...(note ? [note] : [])].join(
    '\n\n',
  )
}

const noteOf = ({ note }: ApprovalRow): string[] => (note ? [note] : [])

const planOf = ({ input }: ApprovalRow): string[] => {
  const plan = (input as { plan?: unknown } | null)?.plan
  return typeof plan === 'string' && plan !== '' ? [`The plan:\n${plan}`] : []
}

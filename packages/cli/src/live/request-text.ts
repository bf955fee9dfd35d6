// What Claude asks of a person, in words for a terminal: questions with numbered options, the plan, the call. Pure; all of
// it is hostile text and leaves here plain.
import { plainLine, plainText } from '../output/plain-text.ts'

export interface Question {
  question: string
  isMultiple: boolean
  options: string[]
}

interface RawQuestion {
  question?: unknown
  header?: unknown
  multiSelect?: unknown
  options?: Array<{ label?: unknown; description?: unknown } | null>
}

const rawQuestions = (input: unknown): RawQuestion[] => {
  const { questions } = (input ?? {}) as { questions?: unknown }
  return Array.isArray(questions) ? questions.filter(one => one !== null && typeof one === 'object') : []
}

export const questionsIn = (input: unknown): Question[] =>
  rawQuestions(input).map(({ question, multiSelect, options }) => ({
    question: typeof question === 'string' ? question : '',
    isMultiple: multiSelect === true,
    options: (Array.isArray(options) ? options : []).map(option => String(option?.label ?? '')),
  }))

/** The text of the request, without how to answer it. */
export function requestText(kind: string, input: unknown): string {
  const { plan, tool, input: call, text } = (input ?? {}) as Record<string, unknown>
  switch (kind) {
    case 'question':
      return rawQuestions(input).map(questionText).join('\n')
    case 'plan':
      return `The plan:\n${plainText(plan).trim()}`
    case 'tool':
      return `May it call ${plainLine(tool)}?\n${plainText(callText(call))}`
    default:
      return plainText(text).trim() || 'What next?'
  }
}

const callText = (call: unknown): string => {
  const { command } = (call ?? {}) as { command?: unknown }
  return typeof command === 'string' ? command : JSON.stringify(call)
}

function questionText({ question, multiSelect, options }: RawQuestion): string {
  const lines = (Array.isArray(options) ? options : []).map((option, index) => {
    const description = plainLine(option?.description)
    return `  ${index + 1}. ${plainLine(option?.label)}${description ? `: ${description}` : ''}`
  })
  return [`${plainLine(question)}${multiSelect === true ? ' (several may be chosen)' : ''}`, ...lines].join(
    '\n',
  )
}

/** `2`, `1,3` → the labels; anything else is an answer in words. */
export function chosen({ options, isMultiple }: Question, answer: string): string | string[] {
  const numbers = answer.split(/[\s,]+/).filter(Boolean)
  const labels = numbers.map(number => (/^\d$/.test(number) ? options[Number(number) - 1] : undefined))
  if (labels.length === 0 || labels.includes(undefined)) return answer
  if (!isMultiple) return labels.length === 1 ? labels[0]! : answer
  return labels as string[]
}

/** With `flowforge`, for whoever only reads. */
export function howToAnswer(kind: string, job: string): string {
  switch (kind) {
    case 'question':
      return `Answer: flowforge job reply ${job} "…" (or an option's number)`
    case 'plan':
      return `Approve: flowforge job approve ${job} · Ask for changes: flowforge job reply ${job} "…"`
    case 'tool':
      return `Allow: flowforge job approve ${job} · Refuse: flowforge job approve ${job} --deny`
    default:
      return `Reply: flowforge job reply ${job} "…"`
  }
}

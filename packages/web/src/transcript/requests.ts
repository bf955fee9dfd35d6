// What Claude asks of people, read from hostile input. Pure.

export interface Question {
  question: string
  header: string
  isMultiple: boolean
  options: Array<{ label: string; description: string }>
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldOf = (input: unknown, name: string): unknown => (isRecord(input) ? input[name] : undefined)

export function questionsIn(input: unknown): Question[] {
  const questions = fieldOf(input, 'questions')
  if (!Array.isArray(questions)) return []
  return questions.filter(isRecord).map(one => ({
    question: textOf(one.question),
    header: textOf(one.header),
    isMultiple: one.multiSelect === true,
    options: (Array.isArray(one.options) ? one.options : []).filter(isRecord).map(option => ({
      label: textOf(option.label),
      description: textOf(option.description),
    })),
  }))
}

export const planIn = (input: unknown): string => textOf(fieldOf(input, 'plan'))
export const wordsIn = (input: unknown): string => textOf(fieldOf(input, 'text'))

/** What it wants to call, and with what. */
export function callIn(input: unknown): { tool: string; text: string } {
  const call = fieldOf(input, 'input')
  const command = textOf(fieldOf(call, 'command'))
  return { tool: textOf(fieldOf(input, 'tool')), text: command || JSON.stringify(call ?? null, null, 2) }
}

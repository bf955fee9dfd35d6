// What a person answered to Claude's questions, brought into the form that Claude Code wants. Pure.
import type { Answers } from '@flowforge/protocol'
import { z } from 'zod'
import { FlowForgeError } from '../errors.ts'

/** Of the tool AskUserQuestion; what else it holds is shown and passed on. */
const Questions = z.object({
  questions: z.array(
    z.object({
      question: z.string(),
      header: z.string().catch(''),
      multiSelect: z.boolean().catch(false),
      options: z.array(z.object({ label: z.string(), description: z.string().catch('') })).catch([]),
    }),
  ),
})
export type Question = z.infer<typeof Questions>['questions'][number]

/** What cannot be read comes from a runner, and is no question. */
export const questionsIn = (input: unknown): Question[] => Questions.safeParse(input).data?.questions ?? []

/** By the question's words; its heading and its number from 1 are understood as well. Throws `validation_failed`. */
export function namedAnswers(input: unknown, answers: Answers): Answers {
  const questions = questionsIn(input)
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [find(questions, name).question, answer]),
  )
}

function find(questions: Question[], name: string): Question {
  const wanted = name.trim().toLowerCase()
  const found =
    questions.find(({ question }) => question.trim().toLowerCase() === wanted) ??
    questions.find(({ header }) => header.trim().toLowerCase() === wanted) ??
    (/^[1-9]$/.test(wanted) ? questions[Number(wanted) - 1] : undefined)
  if (found) return found
  const known = questions.map(({ question }, index) => `${index + 1}. ${question}`).join(' ')
  throw new FlowForgeError(
    'validation_failed',
    `answers: no question is called "${name}". Asked was: ${known}`,
  )
}

export const answerText = (answer: string | string[]): string => [answer].flat().join(', ')

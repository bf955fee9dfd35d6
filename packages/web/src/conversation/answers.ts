// From what a person chose and wrote to the answers of a request. Pure.
import type { Answers } from '../api/types.ts'
import type { Question } from '../transcript/requests.ts'

export interface Choice {
  labels: string[]
  words: string
}
export const noChoice: Choice = { labels: [], words: '' }

/** Questions without an answer are left out. */
export function answersOf(questions: Question[], choices: Choice[]): Answers {
  const answers: Answers = {}
  questions.forEach(({ question, isMultiple }, index) => {
    const { labels, words } = choices[index] ?? noChoice
    const all = [...labels, ...(words.trim() ? [words.trim()] : [])]
    if (all.length > 0) answers[question] = isMultiple ? all : all[0]!
  })
  return answers
}

import { expect, test } from 'vitest'
import { questionsIn } from '../transcript/requests.ts'
import { answersOf, noChoice } from './answers.ts'

const questions = questionsIn({
  questions: [
    { question: 'Which?', header: 'A', options: [{ label: 'Red' }, { label: 'Blue' }] },
    { question: 'What else?', multiSelect: true, options: [{ label: 'Tests' }] },
    null,
    'nonsense',
  ],
})

test('an option, words of one’s own and several options become answers; nothing stays nothing', () => {
  expect(
    answersOf(questions, [
      { labels: ['Blue'], words: '' },
      { labels: ['Tests'], words: ' and docs ' },
    ]),
  ).toEqual({ 'Which?': 'Blue', 'What else?': ['Tests', 'and docs'] })
  expect(answersOf(questions, [{ labels: [], words: 'Green' }, noChoice])).toEqual({ 'Which?': 'Green' })
  expect(answersOf(questions, [])).toEqual({})
})

test('what is no question asks nothing', () => {
  expect(questionsIn('x')).toEqual([])
  expect(questionsIn({ questions: { length: 2 } })).toEqual([])
})

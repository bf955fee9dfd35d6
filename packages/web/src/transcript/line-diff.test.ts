import { expect, test } from 'vitest'
import { lineDiff } from './line-diff.ts'

const marks = (before: string, after: string) =>
  lineDiff(before, after).map(({ kind, text }) => ({ same: ' ', out: '-', in: '+' })[kind] + text)

test('only what changed is marked', () => {
  expect(marks('a\nb\nc\nd', 'a\nB\nc\nx\nd')).toEqual([' a', '-b', '+B', ' c', '+x', ' d'])
})

test('from nothing and to nothing', () => {
  expect(marks('', 'a\nb')).toEqual(['+a', '+b'])
  expect(marks('a', '')).toEqual(['-a'])
  expect(marks('same', 'same')).toEqual([' same'])
})

test('repeated lines at the ends are not counted twice', () => {
  expect(marks('a\na', 'a\na\na')).toEqual([' a', ' a', '+a'])
})

test('huge edits are shown without comparing each line with each', () => {
  const many = (mark: string) => Array.from({ length: 5_000 }, (_, n) => `${mark}${n}`).join('\n')
  expect(lineDiff(many('a'), many('b'))).toHaveLength(10_000)
})

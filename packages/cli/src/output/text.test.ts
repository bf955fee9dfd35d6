// Widths, wrapping, numbers.
import { expect, test } from 'vitest'
import { formatAge, formatDuration, formatUsd } from './format.ts'
import { displayWidth, truncate, wrap } from './text-width.ts'

test('wide and combining characters count as a terminal shows them', () => {
  expect([displayWidth('abc'), displayWidth('日本'), displayWidth('e\u0301'), displayWidth('🚀')]).toEqual([
    3, 4, 1, 2,
  ])
})

test('cutting keeps to the width', () => {
  expect(truncate('hello world', 8)).toBe('hello w…')
  expect(displayWidth(truncate('日本語日本語', 7))).toBeLessThanOrEqual(7)
  expect(truncate('short', 8)).toBe('short')
})

test('wrapping breaks at blanks, keeps indentation and splits what is too long', () => {
  expect(wrap('one two three four five six', 20)).toEqual(['one two three four', 'five six'])
  expect(wrap('  - an indented list item that is long', 20)).toEqual([
    '  - an indented list',
    '  item that is long',
  ])
  expect(wrap('x'.repeat(50), 20)).toEqual(['x'.repeat(20), 'x'.repeat(20), 'x'.repeat(10)])
  expect(wrap('a\n\nb', 20)).toEqual(['a', '', 'b'])
})

test('durations, ages and sums', () => {
  expect([800, 9_960, 42_000, 62_000, 3_780_000].map(formatDuration)).toEqual([
    '0.8s',
    '10s',
    '42s',
    '1m 02s',
    '1h 03m',
  ])
  expect(formatAge('2026-01-01T00:00:00Z', Date.parse('2026-01-01T02:30:00Z'))).toBe('2h ago')
  expect([0, 0.0123, 4.5].map(formatUsd)).toEqual(['$0.00', '$0.0123', '$4.50'])
})

import { expect, test } from 'vitest'
import { formatAge, formatCount, formatDuration, formatElapsed, formatUsd, plural } from './quantities.ts'

test.each([
  [0, '0ms'],
  [840, '840ms'],
  [8_400, '8.4s'],
  [9_960, '9s'],
  [59_999, '59s'],
  [185_000, '3m 05s'],
  [7_620_000, '2h 07m'],
  [273_600_000, '3d 4h'],
  [-5, '0s'],
  [Number.NaN, '0s'],
])('%d ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

test('what ticks shows whole seconds', () => {
  expect(formatElapsed(8_900)).toBe('8s')
  expect(formatElapsed(-10)).toBe('0s')
})

test.each([
  [10_000, 'now'],
  [5 * 60_000, '5m'],
  [26 * 3_600_000, '1d'],
  [400 * 86_400_000, '1y'],
])('an age of %d ms reads %s', (ms, text) => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  expect(formatAge(new Date(now - ms).toISOString(), now)).toBe(text)
})

test('money keeps the digits that matter', () => {
  expect([0, 0.0004, 0.0123, 1.5].map(formatUsd)).toEqual(['$0', '<$0.001', '$0.012', '$1.50'])
})

test('counts are short', () => {
  expect([950, 12_340, 1_200_000, 999_999].map(formatCount)).toEqual(['950', '12.3k', '1.2M', '1M'])
  expect([plural(1, 'file'), plural(2, 'file')]).toEqual(['1 file', '2 files'])
})

import { expect, test } from 'vitest'
import { formatMoment, instantOf, localInput } from './moments.ts'

test('a moment is said in the zone that is named', () => {
  expect(formatMoment('2027-01-01T02:00:00Z', 'Europe/Berlin')).toBe('Fri 1 Jan 2027, 03:00')
  expect(formatMoment('2027-01-01T02:00:00Z', 'America/New_York')).toBe('Thu 31 Dec 2026, 21:00')
  expect(formatMoment('nonsense')).toBe('')
})

test('a time without a zone is the reader’s own', () => {
  expect(instantOf('2027-01-01T02:00')).toBe(new Date(2027, 0, 1, 2).toISOString())
  expect(localInput(new Date(2027, 0, 1, 2).toISOString())).toBe('2027-01-01T02:00')
  expect(instantOf('')).toBeUndefined()
})

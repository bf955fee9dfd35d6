import { expect, test } from 'vitest'
import { jobSearch, jobsSearch, safeReturn } from './search.ts'

test.each([
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  'https://evil.example',
  'javascript:alert(1)',
  '',
  7,
  '/sign-in?returnTo=/',
])('after sign-in %j is not followed', value => expect(safeReturn(value)).toBeUndefined())

test('after sign-in a path of the console is followed with its query', () => {
  expect(safeReturn('/jobs/j1?tab=diff#x')).toBe('/jobs/j1?tab=diff#x')
})

test('unknown values in an address are dropped', () => {
  expect(jobsSearch({ state: 'constructor', repository: 5, q: 12 })).toEqual({ q: '12' })
  expect(jobsSearch({ state: 'failed' }).state).toBe('failed')
  expect(jobSearch({ tab: 'diff' }).tab).toBe('diff')
  expect(jobSearch({ tab: 'nope' }).tab).toBeUndefined()
})

import { expect, test } from 'vitest'
import type { Job } from '../api/types.ts'
import { changeDraftOf, changeErrors, changeRequest } from './change-draft.ts'

const job = (fields: Partial<Job> = {}) =>
  ({ state: 'queued', priority: 'normal', budgetUsd: 2, costUsd: 0, ...fields }) as Job

test('what was not touched is not sent', () => {
  for (const each of [job(), job({ state: 'pending', runAt: '2030-01-01T02:00:00.000Z' })])
    expect(changeRequest(changeDraftOf(each), each)).toEqual({})
})

test('what was emptied is taken away', () => {
  const pending = job({ state: 'pending', runAt: '2030-01-01T02:00:00.000Z' })
  expect(changeRequest({ budgetUsd: '', priority: 'high', runAt: '' }, pending)).toEqual({
    budgetUsd: null,
    priority: 'high',
    runAt: null,
  })
})

test('a budget that is none is told at its field', () => {
  expect(changeErrors({ ...changeDraftOf(job()), budgetUsd: '-1' })).toHaveProperty('budgetUsd')
})

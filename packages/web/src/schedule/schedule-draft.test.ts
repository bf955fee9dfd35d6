import { expect, test } from 'vitest'
import type { Schedule } from '../api/types.ts'
import { draftOf, emptySchedule, scheduleErrors, scheduleRequest } from './schedule-draft.ts'

const schedule: Schedule = {
  id: 's1',
  organizationId: 'o1',
  name: 'nightly',
  repositoryId: 'r1',
  cron: '@daily',
  timezone: 'Europe/Berlin',
  description: 'at 00:00, every day',
  job: { task: 'Do it.', model: 'opus', verify: ['npm test'], budgetUsd: 2 },
  overlap: 'queue',
  missed: 'skip',
  enabled: true,
  nextRunAt: null,
  lastRunAt: null,
  lastJobId: null,
  lastError: null,
  createdBy: null,
  createdAt: '2026-01-01T00:00:00Z',
}

test('what was not touched is sent as it was, also what the form does not show', () => {
  const request = JSON.parse(JSON.stringify(scheduleRequest(draftOf(schedule), schedule)))
  const { name, repositoryId, cron, timezone, job, overlap, missed } = schedule
  expect(request).toEqual({ name, repositoryId, cron, timezone, job, overlap, missed })
})

test('what was emptied is taken away', () => {
  const request = scheduleRequest({ ...draftOf(schedule), verify: [' '], budgetUsd: '' }, schedule)
  expect(request.job).toMatchObject({ verify: undefined, budgetUsd: undefined, model: 'opus' })
})

test('what is missing is told at its field', () => {
  expect(Object.keys(scheduleErrors({ ...emptySchedule(), budgetUsd: '-1', cron: '' }))).toEqual([
    'name',
    'repositoryId',
    'job.task',
    'cron',
    'job.budgetUsd',
  ])
})

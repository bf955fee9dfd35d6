import { expect, test } from 'vitest'
import { draftErrors, emptyDraft, requestOf } from './draft.ts'

test('empty fields are left to the server', () => {
  const body = requestOf({ ...emptyDraft, repositoryId: 'r', task: ' Fix it \n', verify: ['', ' npm test '] })
  expect(JSON.parse(JSON.stringify(body))).toEqual({
    repositoryId: 'r',
    task: 'Fix it',
    verify: ['npm test'],
  })
})

test('minutes become seconds, and amounts numbers', () => {
  const body = requestOf({ ...emptyDraft, timeoutMinutes: '1.5', budgetUsd: '2.50', priority: 'high' })
  expect(body).toMatchObject({ timeoutSeconds: 90, budgetUsd: 2.5, priority: 'high' })
})

test('what is missing or no number is told at its field', () => {
  expect(Object.keys(draftErrors({ ...emptyDraft, timeoutMinutes: 'x', budgetUsd: '-1' }))).toEqual([
    'repositoryId',
    'task',
    'timeoutSeconds',
    'budgetUsd',
  ])
})

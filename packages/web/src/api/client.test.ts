import { expect, test } from 'vitest'
import { fieldErrorsOf } from './client.ts'

test.each([
  [['verify', 0], 'verify.0'],
  ['/verify/0', 'verify.0'],
  ['body.verify[0]', 'verify.0'],
  ['body/task', 'task'],
  ['task', 'task'],
  [undefined, ''],
])('a field error at %j belongs to the field %j', (path, field) => {
  expect(fieldErrorsOf([{ path, message: 'no' }])).toEqual([{ path: field, message: 'no' }])
})

test('what is no list of errors gives none', () => {
  expect(fieldErrorsOf('boom')).toEqual([])
  expect(fieldErrorsOf([null, 1])).toEqual([])
})

import { FAILURE_CODES } from '@flowforge/protocol'
import { describe, expect, test } from 'vitest'
import { FlowForgeError } from '../errors.ts'
import { reasonFromError, reasonOf } from './failures.ts'

describe('reasons of failure', () => {
  test.each(FAILURE_CODES)('%s says what to do next', code => {
    expect(reasonOf(code, 'x').next).toMatch(/^[A-Z].*\.$|BRANCH\.$/)
  })

  test('an expected error keeps its sentence', () => {
    const error = new FlowForgeError('git_auth', 'github.com refused the token.')
    expect(reasonFromError(error)).toMatchObject({
      code: 'git_auth',
      message: 'github.com refused the token.',
    })
  })

  test('an unexpected error says nothing of its insides', () => {
    const reason = reasonFromError(new Error('password=hunter2'))
    expect(reason.code).toBe('internal_error')
    expect(JSON.stringify(reason)).not.toContain('hunter2')
  })
})

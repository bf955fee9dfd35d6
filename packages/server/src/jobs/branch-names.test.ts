import { isValidBranchName } from '@flowforge/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { branchFor } from './branch-names.ts'

describe('the branch of a job that names none', () => {
  test.each([
    [7, 'Fix the login page', 'flowforge/7-fix-the-login-page'],
    [1, 'Größe ändern: ½ Höhe', 'flowforge/1-gro-e-a-ndern-1-2-ho-he'],
    [3, '!!! ???', 'flowforge/3'],
    [4, '修复登录', 'flowforge/4'],
  ])('job %i "%s" works on %s', (number, task, branch) => {
    expect(branchFor(number, task)).toBe(branch)
  })

  test('a long task is cut between two words', () => {
    const branch = branchFor(12, 'Rewrite the whole configuration subsystem so that it is simpler')
    expect(branch).toBe('flowforge/12-rewrite-the-whole-configuration')
  })

  test('one endless word is cut, too', () => {
    expect(branchFor(1, 'x'.repeat(500))).toBe(`flowforge/1-${'x'.repeat(40)}`)
  })

  test('whatever the task says, Git takes the name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.string({ unit: 'binary', maxLength: 80 }), (number, task) => {
        expect(isValidBranchName(branchFor(number, task))).toBe(true)
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { format, secondTries, skippedTests, tallyVitest, type VitestReport } from './tally.ts'

const file = (status: 'passed' | 'failed', ...tests: string[]): VitestReport['testResults'][number] => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((test, index) => ({ fullName: `test ${index}`, status: test })),
})

describe('what Vitest reports', () => {
  it('is counted test by test; pending and todo are skipped', () => {
    const report = {
      testResults: [file('failed', 'passed', 'failed', 'pending'), file('passed', 'passed', 'todo')],
    }
    expect(format(tallyVitest(report, 1))).toBe('2 passed, 1 failed, 2 skipped')
    expect(skippedTests(report)).toEqual(['test 2', 'test 1'])
  })

  it('names what passed only when it was tried again, with what it failed at first', () => {
    const report = { testResults: [file('passed', 'passed', 'passed')] }
    report.testResults[0]!.assertionResults[1]!.failureMessages = ['Error: too late\n    at somewhere']
    expect(secondTries(report)).toEqual(['test 1: Error: too late'])
  })

  it('counts a file that can not be loaded as a failure', () => {
    expect(tallyVitest({ testResults: [file('failed')] }, 1).failed).toBe(1)
  })

  it('counts a failed run without a failed test, and one without report, as a failure', () => {
    expect(tallyVitest({ testResults: [file('passed', 'passed')] }, 1).failed).toBe(1)
    expect(tallyVitest(undefined, 0).failed).toBe(1)
  })
})

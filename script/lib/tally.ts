// Counts: of checks, and of tests as Vitest's JSON report tells them.

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

export const EMPTY: Tally = { passed: 0, failed: 0, skipped: 0 }

export const add = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

export const format = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`

/** The parts of the report that are read. */
export interface VitestReport {
  testResults: {
    name: string
    status: 'passed' | 'failed'
    message?: string
    assertionResults: { fullName: string; status: string; failureMessages?: string[] | null }[]
  }[]
}

/**
 * A file that could not even be loaded has no tests to count: it counts as one failure. So does a run that failed without
 * any failed test (an unhandled error), or that wrote no report.
 */
export function tallyVitest(report: VitestReport | undefined, exitCode: number): Tally {
  let tally = EMPTY
  for (const file of report?.testResults ?? []) {
    for (const { status } of file.assertionResults) tally = add(tally, countOf(status))
    if (file.status === 'failed' && !file.assertionResults.some(test => test.status === 'failed')) {
      tally = add(tally, countOf('failed'))
    }
  }
  const unexplained = tally.failed === 0 && (exitCode !== 0 || report === undefined)
  return unexplained ? add(tally, countOf('failed')) : tally
}

export function skippedTests(report: VitestReport | undefined): string[] {
  const tests = (report?.testResults ?? []).flatMap(file => file.assertionResults)
  return tests.filter(test => countOf(test.status).skipped > 0).map(test => test.fullName)
}

/** Those that passed when they were tried again: the report keeps what the first try failed with. */
export function secondTries(report: VitestReport | undefined): string[] {
  const tests = (report?.testResults ?? []).flatMap(file => file.assertionResults)
  return tests
    .filter(({ status, failureMessages }) => status === 'passed' && (failureMessages?.length ?? 0) > 0)
    .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages![0]!.split('\n')[0]}`)
}

function countOf(status: string): Tally {
  if (status === 'passed') return { ...EMPTY, passed: 1 }
  if (status === 'failed') return { ...EMPTY, failed: 1 }
  return { ...EMPTY, skipped: 1 }
}

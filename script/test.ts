// The checks behind `script/test`, one after the other: what each is, how it went, and the sum. Set-up has been done.
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finished, runCommand, stopRunning } from './lib/check.ts'
import {
  add,
  EMPTY,
  format,
  secondTries,
  skippedTests,
  type Tally,
  tallyVitest,
  type VitestReport,
} from './lib/tally.ts'

const fast = process.argv.includes('--fast')
const root = join(import.meta.dirname, '..')
const reports = join(root, '.cache/test')
const tool = (name: string) => join(root, 'node_modules/.bin', name)
const tsc = (folder: string): [string, ...string[]] => [
  process.execPath,
  join(root, 'node_modules/typescript-native/bin/tsc'),
  '-p',
  folder,
]

process.chdir(root)
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true
    stopRunning()
  })
}

let total = EMPTY
let testsRun = 0
const failures: string[] = []

async function check(name: string, command: [string, ...string[]]): Promise<void> {
  const started = performance.now()
  const finished = await runCommand(command, { show: false })
  const passed = finished.exitCode === 0 && finished.leftRunning.length === 0
  report(
    name,
    passed ? { ...EMPTY, passed: 1 } : { ...EMPTY, failed: 1 },
    started,
    passed ? '' : finished.output + complaint(finished),
  )
}

async function vitest(project: 'fast' | 'integration' | 'e2e' | 'faults'): Promise<void> {
  const started = performance.now()
  const file = join(reports, `${project}.json`)
  await rm(file, { force: true })
  console.log(`\n── ${project} tests`)
  const finished = await runCommand(
    [
      tool('vitest'),
      'run',
      '--project',
      project,
      '--passWithNoTests',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    { show: true, environment: process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' } },
  )
  const told = await readReport(file, finished)
  const tally = tallyVitest(told, finished.exitCode)
  if (finished.leftRunning.length > 0) tally.failed += 1
  testsRun += tally.passed + tally.failed
  for (const test of skippedTests(told)) console.log(`   skipped: ${test}`)
  for (const test of secondTries(told)) console.log(`   passed at its second try: ${test}`)
  report(`${project} tests`, tally, started, complaint(finished))
}

async function readReport(file: string, { output }: Finished): Promise<VitestReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    // Without any test file Vitest writes no report.
    return output.includes('No test files found') ? { testResults: [] } : undefined
  }
}

const complaint = ({ leftRunning }: Finished): string =>
  leftRunning.length > 0 ? `Left running, and killed:\n${leftRunning.join('\n')}` : ''

function report(name: string, tally: Tally, started: number, detail: string): void {
  total = add(total, tally)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const counts = tally.passed + tally.failed + tally.skipped === 1 ? '' : `  ${format(tally)}`
  console.log(`${tally.failed > 0 ? '✗' : '✓'} ${name.padEnd(22)} ${seconds.padStart(6)} s${counts}`)
  if (tally.failed > 0) failures.push(name)
  if (detail) console.log(detail.trimEnd().replace(/^/gm, '  '))
}

const steps: (() => Promise<void>)[] = [
  () => check('format and lint', [tool('biome'), 'check', '--error-on-warnings', '.']),
  () => check('types', tsc('.')),
  ...(existsSync('packages/web/tsconfig.json')
    ? [() => check('types of the console', tsc('packages/web'))]
    : []),
  () => check('import rules', [tool('depcruise'), '--config', '.dependency-cruiser.ts', ...sourceFolders()]),
  ...(existsSync('script/gen') ? [() => check('generated files', ['script/gen', '--check'])] : []),
  () => vitest('fast'),
  ...(fast ? [] : [() => vitest('integration'), () => vitest('e2e'), () => vitest('faults')]),
]

function sourceFolders(): string[] {
  return ['packages', 'sdks', 'images', 'script', 'e2e', 'bench'].filter(folder => existsSync(folder))
}

await mkdir(reports, { recursive: true })
for (const step of steps) {
  if (!interrupted) await step()
}
for (const problem of [...(interrupted ? ['interrupted'] : []), ...(testsRun === 0 ? ['no test ran'] : [])]) {
  failures.push(problem)
  total = add(total, { ...EMPTY, failed: 1 })
}
console.log(failures.length > 0 ? `\nfailed: ${failures.join(', ')}` : '')
console.log(format(total))
process.exitCode = interrupted ? 130 : failures.length > 0 ? 1 : 0

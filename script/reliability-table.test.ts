// The table of docs/guides/reliability.md: each fault has a test, and each test of faults says which row it is.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const GUIDE = 'docs/guides/reliability.md'
const FAULTS = 32
/** What they break is not built yet. */
const LATER = [9, 25, 27]

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const rows = [...text(GUIDE).matchAll(/^\| (\d+) \|.*$/gm)].map(([line, number]) => ({
  number: Number(number),
  tests: [...line.matchAll(/\]\(\.\.\/\.\.\/([^)]+\.test\.ts)\)/g)].map(match => match[1]!),
}))
const inFaults = (file: string) => file.startsWith('e2e/faults/')

test('has a row for every fault', () => {
  const expected = Array.from({ length: FAULTS }, (_, index) => index + 1).filter(n => !LATER.includes(n))
  expect(rows.map(row => row.number)).toEqual(expected)
})

test.each(rows.filter(row => row.tests.some(inFaults)))('row $number is a test that names it', ({
  number,
  tests,
}) => {
  for (const file of tests.filter(inFaults)) expect(text(file)).toMatch(new RegExp(`(['"]|// )${number}: `))
})

test('names every file of tests', () => {
  const files = readdirSync(join(ROOT, 'e2e/faults')).filter(name => name.endsWith('.test.ts'))
  const named = new Set(rows.flatMap(row => row.tests))
  expect(files.filter(file => !named.has(`e2e/faults/${file}`))).toEqual([])
})

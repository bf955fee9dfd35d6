import { describe, expect, test } from 'vitest'
import { parseRun } from './commands/run.ts'
import { serverVariables } from './commands/up.ts'
import { isGitUrl } from './repositories.ts'
import { parseDuration, parseJobId, parseMoment, parsePort, parseUsd } from './values.ts'

test('durations have a unit', () => {
  expect(['90s', '30m', '1h30m', '1.5h'].map(parseDuration)).toEqual([90, 1800, 5400, 5400])
  for (const wrong of ['30', 'm', '30 m', '-5m', '0s', '1d', '']) expect(() => parseDuration(wrong)).toThrow()
})

test('budgets are sums of dollars above zero', () => {
  expect(['5', '0.50', '$5'].map(parseUsd)).toEqual([5, 0.5, 5])
  for (const wrong of ['0', '-1', '5€', '1e3', 'NaN', '']) expect(() => parseUsd(wrong)).toThrow()
})

test('a job is named by number or id, and by nothing that could change the path', () => {
  expect(['12', '#12', 'job_ab-1'].map(parseJobId)).toEqual(['12', '12', 'job_ab-1'])
  for (const wrong of ['', '#', '../me', 'a b', '-f', undefined]) expect(() => parseJobId(wrong)).toThrow()
})

test('ports', () => {
  expect(parsePort('0')).toBe(0)
  for (const wrong of ['65536', '-1', 'http', '']) expect(() => parsePort(wrong)).toThrow()
})

test('URLs and names of repositories are told apart', () => {
  const urls = [
    'https://example.org/a/b.git',
    'ssh://git@example.org/a',
    'git@example.org:a/b.git',
    'file:///x',
    'ext::sh',
  ]
  expect(urls.filter(isGitUrl)).toEqual(urls)
  expect(['website', 'my.repo', 'a-b_c'].filter(isGitUrl)).toEqual([])
})

test('only what was given is submitted', () => {
  expect(parseRun(['Fix it'], {})).toEqual({
    task: 'Fix it',
    target: { kind: 'here' },
    detach: false,
    job: {},
  })
  const flags = { repo: 'web', base: 'dev', verify: ['npm test'], budget: 2, timeout: 60, detach: true }
  expect(parseRun(['-'], flags)).toEqual({
    task: undefined,
    target: { kind: 'named', text: 'web' },
    detach: true,
    job: { baseBranch: 'dev', verify: ['npm test'], budgetUsd: 2, timeoutSeconds: 60 },
  })
  expect(() => parseRun(['  '], {})).toThrow('The task is empty')
  expect(() => parseRun(['-'], { tokenStdin: true })).toThrow('not both')
})

test("up's options become the server's variables", () => {
  expect(serverVariables({ port: 80, host: '::', dataDir: 'data' }, '/srv')).toEqual({
    FLOWFORGE_PORT: '80',
    FLOWFORGE_HOST: '::',
    FLOWFORGE_DATA_DIR: '/srv/data',
  })
  expect(serverVariables({}, '/srv')).toEqual({})
})

describe('a moment', () => {
  const now = new Date(2026, 10, 25, 18, 0)
  const read = (text: string) => new Date(parseMoment(text, undefined, now))

  test.each([
    ['22:30', new Date(2026, 10, 25, 22, 30)],
    ['02:00', new Date(2026, 10, 26, 2, 0)],
    ['+2h', new Date(2026, 10, 25, 20, 0)],
    ['2026-12-24T22:30', new Date(2026, 11, 24, 22, 30)],
    ['2026-12-24 22:30', new Date(2026, 11, 24, 22, 30)],
    ['2026-12-24T22:30:00Z', new Date(Date.UTC(2026, 11, 24, 22, 30))],
  ])('%s is read', (text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  test.each(['', 'tomorrow', '25:00', '2026-12-24', '+soon'])('%j is refused', text => {
    expect(() => read(text)).toThrow()
  })
})

import { describe, expect, test } from 'vitest'
import { cacheKey } from './result-cache.ts'
import { jobRow, repositoryRow } from './testing-rows.ts'

const COMMIT = 'a'.repeat(40)
const key = (job = {}, repository = {}, commit = COMMIT) =>
  cacheKey(jobRow(job), repositoryRow(repository), commit)

describe('the key of a result', () => {
  test('is the same for the same work, whatever its number, time, budget and branch', () => {
    const other = { id: 'k', number: 9, budget_usd: 5, timeout_seconds: 60, branch: 'x', priority: 1 }
    expect(key(other)).toBe(key())
  })

  test('does not depend on the order of variables and domains', () => {
    expect(key({ environment: { A: '1', B: '2' } })).toBe(key({ environment: { B: '2', A: '1' } }))
    expect(key({}, { settings: { egressAllow: ['a', 'b'] } })).toBe(
      key({}, { settings: { egressAllow: ['b', 'a'] } }),
    )
  })

  test.each([
    ['the task', { task: 'Do something else.' }, {}, COMMIT],
    ['set-up', { setup: ['npm ci'] }, {}, COMMIT],
    ['verify', { verify: ['npm test'] }, {}, COMMIT],
    ['the model', { model: 'opus' }, {}, COMMIT],
    ['planning first', { plan_first: true }, {}, COMMIT],
    ['whom Claude asks', { questions: 'decide' }, {}, COMMIT],
    ['a variable', { environment: { A: '1' } }, {}, COMMIT],
    ['the organization', { organization_id: 'p' }, {}, COMMIT],
    ['the repository', {}, { id: 's' }, COMMIT],
    ['the image', {}, { settings: { image: 'other' } }, COMMIT],
    ['what may be reached', {}, { settings: { egressAllow: ['example.org'] } }, COMMIT],
    ['what needs a yes', {}, { settings: { approvals: ['WebFetch'] } }, COMMIT],
    ['the commit', {}, {}, 'b'.repeat(40)],
  ])('depends on %s', (_what, job, repository, commit) => {
    expect(key(job, repository, commit)).not.toBe(key())
  })
})

import { expect, test } from 'vitest'
import type { BackupRow } from '../store/backups.ts'
import { intervalMs, isDue } from './schedule.ts'

const HOUR_MS = 3_600_000
const at = (text: string): Date => new Date(`2026-03-10T${text}:00`)
const backup = (started: Date, problem: string | null = null): BackupRow => ({
  id: 'b',
  destination: '/backups',
  name: 'b',
  scheduled: true,
  started_at: started,
  finished_at: started,
  size_bytes: 1,
  problem,
})

const daily = (last: BackupRow | undefined, now: Date, since = at('00:00')): boolean =>
  isDue('0 3 * * *', { last, since, now })

test('the first backup is made at the first time of the schedule, not at the start', () => {
  expect(daily(undefined, at('02:59'))).toBe(false)
  expect(daily(undefined, at('03:00'))).toBe(true)
})

test('after one that was made, the next is due at the next time', () => {
  expect(daily(backup(at('03:00')), at('20:00'))).toBe(false)
  expect(daily(backup(at('02:00')), at('03:01'))).toBe(true)
})

test('what was missed while nothing ran is made up for, once', () => {
  const old = new Date('2026-03-01T03:00:00')
  expect(daily(backup(old), at('10:00'))).toBe(true)
  expect(daily(backup(at('10:00')), at('10:01'))).toBe(false)
})

test('one that failed is tried again after a quarter of an hour', () => {
  const failed = backup(at('03:00'), 'disk_full')
  expect(daily(failed, at('03:14'))).toBe(false)
  expect(daily(failed, at('03:15'))).toBe(true)
})

test.each([
  ['0 3 * * *', 24],
  ['0 */6 * * *', 6],
  ['0 3 * * 1-5', 24],
])('the interval of "%s" is %i hours', (schedule, hours) => {
  expect(intervalMs(schedule, at('00:00'))).toBe(hours * HOUR_MS)
})

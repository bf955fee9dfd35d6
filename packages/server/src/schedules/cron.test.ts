import { describe, expect, test } from 'vitest'
import { previewRuns, readCron } from './cron.ts'

const runs = (cron: string, timezone: string, from: string, count = 3) =>
  previewRuns(readCron(cron, timezone), new Date(from), count).map(run => run.toISOString())

describe('a cron expression', () => {
  test('means the hours of its time zone', () => {
    expect(runs('0 3 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T02:00:00.000Z',
    ])
    expect(runs('0 3 * * *', 'America/New_York', '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T08:00:00.000Z',
    ])
  })

  test.each([
    ['@hourly', '2026-01-01T01:00:00.000Z'],
    ['@daily', '2026-01-02T00:00:00.000Z'],
    ['@weekly', '2026-01-04T00:00:00.000Z'],
    ['@monthly', '2026-02-01T00:00:00.000Z'],
    ['@yearly', '2027-01-01T00:00:00.000Z'],
    ['30 9 * * MON-FRI', '2026-01-01T09:30:00.000Z'],
    ['0 0 L * *', '2026-01-31T00:00:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
  ])('%s is next due at %s', (cron, next) => {
    expect(runs(cron, 'UTC', '2026-01-01T00:00:00Z', 1)).toEqual([next])
  })

  test.each([
    ['0 0 30 2 *', 'is never due'],
    ['0 0 31 4,6,9,11 *', 'is never due'],
    ['* * * * * *', 'is not five fields'],
    ['*/10 * * * * *', 'is not five fields'],
    ['2026-01-01T00:00:00Z', 'is not five fields'],
    ['@reboot', 'is not five fields'],
    ['@every 5s', 'is not five fields'],
    ['', 'is not five fields'],
    ['61 * * * *', 'can not be read'],
    ['a b c d e', 'can not be read'],
  ])('%j is refused: %s', (cron, why) => {
    expect(() => readCron(cron, 'UTC')).toThrow(expect.objectContaining({ code: 'schedule_invalid' }))
    expect(() => readCron(cron, 'UTC')).toThrow(why)
  })

  test.each(['Mars/Phobos', '+02:00', '', '../etc'])('the time zone %j is refused', timezone => {
    expect(() => readCron('@daily', timezone)).toThrow(/^timezone: /)
  })
})

describe('in Berlin', () => {
  test('a time that does not exist in March is due when the clocks change, once', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
      '2026-03-31T00:30:00.000Z',
    ])
  })

  test('a time that exists twice in October is due the first time alone', () => {
    expect(runs('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    for (const between of ['2026-10-25T00:45:00Z', '2026-10-25T01:15:00Z', '2026-10-25T01:35:00Z'])
      expect(runs('30 2 * * *', 'Europe/Berlin', between, 1)).toEqual(['2026-10-26T01:30:00.000Z'])
  })

  test('what is due every half hour goes on through both', () => {
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:00:00Z', 4)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-25T01:00:00.000Z',
      '2026-10-25T01:30:00.000Z',
      '2026-10-25T02:00:00.000Z',
    ])
    expect(runs('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:30:00Z', 2)).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-29T01:30:00.000Z',
    ])
  })
})

describe('the last due time', () => {
  const last = (cron: string, known: string, moment: string, timezone = 'UTC') =>
    readCron(cron, timezone).last(new Date(known), new Date(moment)).toISOString()

  test('is the known one until the next comes', () => {
    expect(last('@daily', '2026-01-01T00:00:00Z', '2026-01-01T23:59:59Z')).toBe('2026-01-01T00:00:00.000Z')
    expect(last('@daily', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z')).toBe('2026-01-02T00:00:00.000Z')
  })

  test('is found after a year of minutes without walking through it', () => {
    const began = performance.now()
    expect(last('* * * * *', '2025-01-01T00:00:00Z', '2026-01-01T12:34:56Z')).toBe('2026-01-01T12:34:00.000Z')
    expect(performance.now() - began).toBeLessThan(1_000)
  })

  test('is also one that clocks have moved', () => {
    expect(last('30 2 * * *', '2026-03-28T01:30:00Z', '2026-03-29T05:00:00Z', 'Europe/Berlin')).toBe(
      '2026-03-29T01:00:00.000Z',
    )
  })
})

import { expect, test } from 'vitest'
import { idleToRelease } from './release-idle.ts'

const waiting = [
  { attemptId: 'young', waitingSince: 90 },
  { attemptId: 'old', waitingSince: 10 },
  { attemptId: 'middle', waitingSince: 50 },
]

test('who waits for too long is released, the oldest first', () => {
  expect(idleToRelease(waiting, { keep: 3, waitMs: 50, now: 100 })).toEqual(['old', 'middle'])
  expect(idleToRelease(waiting, { keep: 3, waitMs: 1000, now: 100 })).toEqual([])
})

test('of more than there is room for, the oldest go', () => {
  expect(idleToRelease(waiting, { keep: 1, waitMs: 1000, now: 100 })).toEqual(['old', 'middle'])
})

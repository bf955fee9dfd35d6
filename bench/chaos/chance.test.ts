import { expect, test } from 'vitest'
import { createChance } from './chance.ts'
import { planDummyJobs } from './jobs.ts'

test('the same seed gives the same plan, another seed another one', () => {
  const plan = (seed: number) => planDummyJobs(50, createChance(seed))
  expect(plan(7)).toEqual(plan(7))
  expect(plan(7)).not.toEqual(plan(8))
})

test('numbers lie where they should, and spread', () => {
  const { next, between } = createChance(1)
  const numbers = Array.from({ length: 1000 }, next)
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  expect(numbers.reduce((sum, number) => sum + number, 0) / 1000).toBeCloseTo(0.5, 1)
  expect(between(3, 4)).toBeGreaterThanOrEqual(3)
})

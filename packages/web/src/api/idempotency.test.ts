import { expect, test } from 'vitest'
import { createIdempotencyKeys } from './idempotency.ts'

test('the same body keeps its key until it was answered, another body gets another', () => {
  let count = 0
  const keys = createIdempotencyKeys(() => String(++count))
  expect(keys.keyFor({ a: 1 })).toBe('1')
  expect(keys.keyFor({ a: 1 })).toBe('1')
  expect(keys.keyFor({ a: 2 })).toBe('2')
  keys.done()
  expect(keys.keyFor({ a: 2 })).toBe('3')
})

test('keys are hard to guess and all different', () => {
  const keys = new Set(Array.from({ length: 50 }, () => createIdempotencyKeys().keyFor(1)))
  expect(keys.size).toBe(50)
  expect([...keys][0]).toMatch(/^[0-9a-f]{32}$/)
})

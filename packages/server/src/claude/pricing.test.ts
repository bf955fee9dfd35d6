import { expect, test } from 'vitest'
import { NO_TOKENS, priceRequest } from './pricing.ts'

const MILLION = 1_000_000
const input = (model: string) => priceRequest(model, { ...NO_TOKENS, inputTokens: MILLION })

test.each([
  ['claude-opus-5-5', 4],
  ['claude-opus-5', 5],
  ['claude-opus-4-5-20251101', 5],
  ['claude-opus-4-1-20250805', 15],
  ['claude-opus-4-20250514', 15],
  ['claude-sonnet-5-5', 2],
  ['claude-sonnet-4-5', 3],
  ['claude-haiku-4-5-20251001', 1],
  ['claude-3-haiku-20240307', 0.25],
  ['us.anthropic.claude-haiku-4-5-20251001-v1:0', 1],
  ['anthropic/claude-sonnet-4-5', 3],
])('a million input tokens of %s cost %d USD', (model, usd) => {
  expect(input(model)).toEqual({ costUsd: usd, priceKnown: true })
})

test.each([
  ['claude-opus-9', 5],
  ['claude-haiku-4-60', 1],
  ['claude-next-1', 15],
  ['', 15],
])('an unknown model is priced by its family or as the dearest, and says so: %s', (model, usd) => {
  expect(input(model)).toEqual({ costUsd: usd, priceKnown: false })
})

test('each kind of token has its price', () => {
  const usage = {
    inputTokens: MILLION,
    outputTokens: MILLION,
    cacheReadTokens: MILLION,
    cacheWrite5mTokens: MILLION,
    cacheWrite1hTokens: MILLION,
    webSearches: 3,
  }
  expect(priceRequest('claude-sonnet-4-5', usage).costUsd).toBeCloseTo(3 + 15 + 0.3 + 3.75 + 6 + 0.03, 10)
})

test('long prompts of Haiku 5.5 cost more on every token, cached ones make a prompt long', () => {
  const price = (cacheReadTokens: number) =>
    priceRequest('claude-haiku-5-5', { ...NO_TOKENS, outputTokens: MILLION, cacheReadTokens }).costUsd
  expect(price(100_000)).toBeCloseTo(0.5 + 0.001, 10)
  expect(price(100_001)).toBeCloseTo(2.5 + 0.005, 5)
})

test('speed and place multiply the tokens’ price, not that of searches', () => {
  const usage = { ...NO_TOKENS, outputTokens: MILLION, webSearches: 1 }
  expect(priceRequest('claude-opus-5-5', usage, { fast: true }).costUsd).toBeCloseTo(40.01, 10)
  expect(priceRequest('claude-opus-5-5', usage, { usOnly: true }).costUsd).toBeCloseTo(22.01, 10)
})

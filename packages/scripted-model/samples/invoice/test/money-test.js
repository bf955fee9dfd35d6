import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAmount, withTax } from '../src/money.js'

test('tax is rounded to a whole cent', () => {
  assert.equal(withTax(199, 0.19), 237)
  assert.equal(withTax(100, 0), 100)
})

test('an amount is shown with two decimals and grouped thousands', () => {
  assert.equal(formatAmount(5), '0.05')
  assert.equal(formatAmount(123456789), '1,234,567.89')
  assert.equal(formatAmount(-1250), '-12.50')
})
